"""The entries of the service directory, one module for each section of the menu.

Staff edit these three files. One entry is one `Guide(…)`: keep the quotation marks and commas, and run `check` afterwards.
"""
