"""Feeds: what receivers of aircraft and ships send, turned into observations.

::

    craft       units, accuracies and bounds: from what a format says to an observation
    lines       bytes into lines, in bounded memory
    sbs         BaseStation lines (port 30003)
    readsb      aircraft.json of readsb and dump1090
    modes       raw Mode S: Beast binary and AVR lines
    ais         NMEA lines of AIS
    recorded    files of any of these, and of recorded positions, in order of time
    settings    the table ``feeds``
    connecting  a connection that begins again

Each parser takes bytes and the time at which they came and gives observations; what it
cannot read it counts by reason. It holds a bounded number of craft and bytes.
"""
