"""The acts of the play, in the order in which `examples.demo.play` runs them."""
