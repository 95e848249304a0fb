"""The pages of the window's rail, each built when it is first shown."""
