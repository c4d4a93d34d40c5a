"""The version of the library, as files and pickles name it."""

__version__ = "0.1.0"
