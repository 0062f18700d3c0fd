"""Which part of the body a report's title names."""

import pytest

from fhir_mappings.report_regions import is_elsewhere


@pytest.mark.parametrize(
    "title",
    ["XR CHEST PORTABLE 1 VIEW", "CT abdomen and pelvis with contrast", "Duplex leg veins", "CXR", "CT Thorax",
     "Transthoracic echocardiogram", "MRI lumbar spine", "US renal"],
)  # fmt: skip
def test_other_parts_of_the_body_are_elsewhere(title: str):
    """They are read after those of the head."""
    assert is_elsewhere(title)


@pytest.mark.parametrize(
    "title",
    ["CT head without contrast", "CT angiography head, neck and chest", "CTA arch to vertex and carotids",
     "MRT Schädel", "CCT", "Report", "", "Stroke CT", "Addendum", "Angiography", "CT perfusion cerebral"],
)  # fmt: skip
def test_head_and_neck_and_whatever_names_no_part_are_not(title: str):
    """A doubt never makes a report wait."""
    assert not is_elsewhere(title)
