from vod.class_map import COCO_TO_VID, ClassMap
from vod.coco_classes import COCO_CATEGORIES
from vod.imagenet_vid import VID_NAMES


def test_coco_names_reach_their_vid_classes_and_others_are_listed():
    mapping = ClassMap.between(["person", "cow", "cat", "boat", "car"], VID_NAMES)
    assert mapping.labels.tolist() == [-1, 7, 9, 27, 6]
    assert mapping.renamed == {
        "cow": "cattle",
        "cat": "domestic_cat",
        "boat": "watercraft",
    }
    assert mapping.left_out == ("person",)
    assert "zebra" in mapping.never_found
    assert len(mapping.never_found) == 26
    assert mapping.to_json()["left_out"] == ["person"]


def test_the_same_table_leads_from_vid_names_to_coco_and_voc_names():
    mapping = ClassMap.between(["cattle", "airplane"], ["cow", "aeroplane"])
    assert mapping.labels.tolist() == [0, 1]


def test_an_equal_name_comes_before_a_synonym():
    mapping = ClassMap.between(["cat", "domestic_cat"], ["domestic_cat", "cat"])
    assert mapping.labels.tolist() == [1, 0]


def test_a_space_counts_as_an_underscore():
    assert ClassMap.between(["giant panda"], VID_NAMES).labels.tolist() == [12]


def test_the_coco_table_is_what_the_synonyms_say():
    names = tuple(COCO_CATEGORIES)
    mapping = ClassMap.between(names, VID_NAMES)
    found = zip(names, mapping.labels.tolist(), strict=True)
    assert {n: VID_NAMES[label] for n, label in found if label >= 0} == COCO_TO_VID


def test_no_class_at_all_is_an_empty_map():
    assert ClassMap.between([], []).labels.shape == (0,)
