"""What an exported folder is: its versions, its signatures, and how it is loaded and asked."""
