"""What is printed: label sheets, case labels, styled codes, shelf cards. Values in, bytes out."""
