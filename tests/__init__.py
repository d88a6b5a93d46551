"""The tests: the folders mirror the code; integration, properties, attacks, project, vectors and examples stand beside."""
