from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.vid_layout import CAR, DOG, ZEBRA, xml_object, xml_text
from vod.dataset.annotation import missing_annotation, parse_annotation
from vod.errors import AnnotationError


def parse(text, **options):
    return parse_annotation(text.encode(), "f.xml", still=False, **options)


def test_an_object_is_read_as_it_is_written():
    (found,) = parse(xml_text(xml_object(DOG, 7, occluded=1, generated=0))).objects
    assert found == (8, 7, 10, 20, 29, 59, True, False)


def test_the_size_of_the_picture_is_read():
    annotation = parse(xml_text(height=72, width=96))
    assert (annotation.height, annotation.width) == (72, 96)
    assert annotation.objects == []


def test_a_file_without_size_is_read():
    annotation = parse(f"<annotation>{xml_object()}</annotation>")
    assert (annotation.height, annotation.width) == (0, 0)
    assert len(annotation.objects) == 1


numbers = st.integers(0, 5000) | st.decimals(-10, 5000, places=2).map(
    lambda number: f"{number:f}"
)


@given(
    st.lists(
        st.tuples(
            st.sampled_from([CAR, DOG, ZEBRA]),
            st.integers(0, 99),
            numbers,
            numbers,
            st.sampled_from([0, 1]),
        ),
        max_size=4,
    )
)
def test_the_fast_way_and_the_parser_give_the_same(rows):
    objects = [
        xml_object(wnid, track, xmin=x, xmax=9999, ymin=y, ymax=9999, occluded=flag)
        for wnid, track, x, y, flag in rows
    ]
    text = xml_text(*objects)
    # A comment does not fit the pattern, so the second text goes to the parser.
    assert parse(text) == parse(text.replace("<size>", "<!-- c --><size>"))


def test_other_orders_and_extra_elements_are_read():
    text = f"""<annotation><object><name> {CAR} </name><bndbox><xmin>1</xmin>
    <ymin>2.5</ymin><xmax>3</xmax><ymax>4e1</ymax></bndbox><trackid>5</trackid>
    <pose>left</pose></object></annotation>"""
    assert parse(text).objects == [(6, 5, 1, 2.5, 3, 40, False, False)]


def test_a_box_of_one_pixel_is_no_error():
    text = xml_text(xml_object(xmin=3, xmax=3, ymin=4, ymax=4))
    assert parse(text).objects[0][2:6] == (3, 4, 3, 4)


@pytest.mark.parametrize(
    ("objects", "message"),
    [
        ("<object>", r"f\.xml is not valid XML: mismatched tag"),
        (xml_object("n00000000"), r"'n00000000' is not one of the 30 ImageNet VID"),
        ("<object><trackid>1</trackid></object>", r"'' is not one of the 30"),
        (xml_object(xmin=30), r"xmin <= xmax and ymin <= .*received 30, 20, 29, 59"),
        (xml_object(ymax=19), r"xmin <= xmax and ymin <= .*received 10, 20, 29, 19"),
        (xml_object(xmax="wide"), r"<bndbox/xmax> must be a number, received 'wide'"),
        (xml_object(xmax="nan"), r"<bndbox/xmax> must be a number, received 'nan'"),
        (xml_object(track=""), r"<trackid> must be a number, received ''"),
        (
            f"<object><trackid>1</trackid><name>{CAR}</name></object>",
            r"<bndbox/xmin> must be a number, received None",
        ),
    ],
)
def test_a_wrong_annotation_is_one_clear_sentence(objects, message):
    with pytest.raises(AnnotationError, match=message):
        parse(xml_text(objects))


@pytest.mark.parametrize("end", [0, 30, 200, -5])
def test_a_file_cut_short_is_not_valid_xml(end):
    with pytest.raises(AnnotationError, match="not valid XML"):
        parse(xml_text(xml_object())[:end])


def test_a_missing_file_is_named():
    error = missing_annotation(Path("0.xml"), FileNotFoundError(2, "No such file"))
    assert str(error).startswith("annotation 0.xml cannot be read (No such file)")


def test_stills_lose_the_other_classes_and_the_tracks():
    text = xml_text(xml_object("n07747607"), xml_object(DOG, track=""))
    annotation = parse_annotation(text.encode(), "f.xml", still=True)
    assert [o[:2] for o in annotation.objects] == [(8, -1)]


def test_classes_of_its_own_are_found_by_their_id():
    text = xml_text(xml_object("forklift"))
    assert parse(text, label_of={"forklift": 0}).objects[0].label == 0
    with pytest.raises(AnnotationError, match=f"'{CAR}' is not one of the 1 classes"):
        parse(xml_text(xml_object()), label_of={"forklift": 0})
