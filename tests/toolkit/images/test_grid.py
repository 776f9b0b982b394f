"""Sheets of rows of pictures."""

from PIL import Image

from toonlab.images.grid import grid


def test_small_pictures_are_enlarged_by_whole_factors_and_large_ones_fit() -> None:
    sheet = grid([("small", [Image.new("RGB", (50, 20), "red")]), ("large", [Image.new("RGB", (400, 200), "blue")])])
    colors = [sheet.getpixel((x, y)) for y in range(sheet.height) for x in range(sheet.width)]
    assert colors.count((255, 0, 0)) == 150 * 60  # three times as large: 150 of 192 pixels
    assert colors.count((0, 0, 255)) == 192 * 96


def test_rows_of_different_lengths_share_their_columns() -> None:
    red, blue = Image.new("RGB", (192, 192), "red"), Image.new("RGB", (192, 96), "blue")
    sheet = grid([("a", [red, red, red]), ("b", [blue])])
    left = next(x for x in range(sheet.width) if sheet.getpixel((x, 4)) == (255, 0, 0))
    assert sheet.getpixel((left, 4 + 192 + 4)) == (0, 0, 255)
    assert sheet.getpixel((left + 196, 4 + 192 + 4)) == (255, 255, 255)
    assert sheet.size == (left + 3 * 196, 4 + 196 + 100)


def test_a_picture_is_not_changed_by_its_sheet() -> None:
    picture = Image.new("RGB", (400, 200))
    grid([("a", [picture])])
    assert picture.size == (400, 200)
