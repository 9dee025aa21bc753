"""Documents on their way into the index: files of a folder, their formats, and the text in them."""
