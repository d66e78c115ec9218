"""Market data of a LEAN folder: calendars, factor and map files, readers, the merged feed and
history.
"""
