"""Text as people write it."""

import re

BLANK = re.compile(r"〔待填[^〕\n]*〕?")
