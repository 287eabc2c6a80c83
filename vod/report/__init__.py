"""What an evaluation says, for eyes: a table, a JSON, and one HTML page.

matplotlib draws the page's figures. It is imported when the first figure is made and
never before, so that nothing that finds objects in videos waits for it.
"""
