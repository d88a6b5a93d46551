"""The tests mirror the folders of the code; integration, properties, attacks and others stand beside."""
