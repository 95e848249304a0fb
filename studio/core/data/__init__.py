"""Files into rows: what a file is, where its rows lie, what each means as an example."""
