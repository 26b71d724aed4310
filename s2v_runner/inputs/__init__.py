"""Files of the user → arrays. Everything that can be wrong with a file is found and said here."""
