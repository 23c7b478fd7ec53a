"""What each page shows, as frozen values: everything a template needs, and nothing about where it came from.

A page's class names its template and, in `fragments`, the blocks of it that a script may ask for alone.
"""
