"""What was found before, kept in a folder, so that what has not changed is not checked again.

Invariant: nobody vouches for what lies in that folder; what is not as we write it counts as not there.
"""
