"""Words and looks of everything people see, with no logic beyond if and for.

A package only so that an installed kaowu finds its files; the code that renders them lives in the rooms.
"""
