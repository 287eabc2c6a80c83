"""Put carried boxes back onto their objects, with a look at the frame itself.

Flow drifts: what shows through beside a silhouette moves otherwise, objects turn and
change their outline. Every few frames a tiny network compares the object, as the
detector framed it on the key frame, with what the carried box frames now, and corrects
the box.
"""
