"""One reader for each kind of answer, all of which give the same rows."""
