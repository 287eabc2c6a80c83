"""Figures printed in the paper, to be put beside ours.

Source: Zhu et al., Towards High Performance Video Object Detection for Mobiles
(arXiv 1804.05830v1), tables 2, 4 and 5 and figure 4.
"""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class PaperRow:
    """One row of a table.

    Attributes:
        name: what the row is.
        preset: file in `configs/paper`, without its ending.
        parameters: millions.
        gflops: a frame at key-frame interval 10, a multiply-add as two; Table 2's flow
            alone is of one pair at 384x512.
        map50: percent, on ImageNet VID's validation snippets; None where not printed.
    """

    name: str
    preset: str
    parameters: float
    gflops: float
    map50: float | None = None


PAPER_INTERVAL: Final = 10

TABLE_5: Final = (
    PaperRow("single frame, alpha 1.0", "single_alpha_1.00", 5.6, 2.39, 58.3),
    PaperRow("single frame, alpha 0.75", "single_alpha_0.75", 3.4, 1.36, 53.1),
    PaperRow("single frame, alpha 0.5", "single_alpha_0.50", 1.7, 0.62, 48.6),
    PaperRow("alpha 1.0, beta 1.0", "alpha_1.00_beta_1.00", 9.0, 0.41, 61.2),
    PaperRow("alpha 1.0, beta 0.75", "alpha_1.00_beta_0.75", 7.8, 0.37, 60.8),
    PaperRow("alpha 1.0, beta 0.5", "alpha_1.00_beta_0.50", 7.1, 0.34, 60.2),
    PaperRow("alpha 0.75, beta 0.75", "alpha_0.75_beta_0.75", 5.3, 0.23, 56.4),
    PaperRow("alpha 0.75, beta 0.5", "alpha_0.75_beta_0.50", 4.6, 0.20, 56.0),
    PaperRow("alpha 0.5, beta 0.5", "alpha_0.50_beta_0.50", 2.6, 0.11, 51.2),
)

# The row of another paper's recursive aggregation (8.3 M, 0.37, 58.4) is not built.
TABLE_4: Final = (
    PaperRow("single frame baseline", "single_alpha_1.00", 5.6, 2.39, 58.3),
    PaperRow("GRU, 128-d (default)", "alpha_1.00_beta_1.00", 9.0, 0.41, 61.2),
    PaperRow("GRU, 256-d", "gru_256", 13.0, 0.64, 62.4),
    PaperRow("GRU, tanh", "gru_tanh", 9.0, 0.41, 57.3),
    PaperRow("GRU, 2 layers", "gru_2_layers", 9.9, 0.47, 61.4),
    PaperRow("GRU, 3 layers", "gru_3_layers", 10.8, 0.53, 60.6),
)

FLOW_TABLE_SIZE: Final = (384, 512)
"""Rows and columns of Table 2's pairs, from Flying Chairs."""

TABLE_2: Final = (
    PaperRow("Light Flow, beta 1.0", "alpha_1.00_beta_1.00", 2.6, 0.82),
    PaperRow("Light Flow, beta 0.75", "alpha_1.00_beta_0.75", 1.4, 0.48),
    PaperRow("Light Flow, beta 0.5", "alpha_1.00_beta_0.50", 0.7, 0.23),
)

# Read from the vector graphics of figure 4: 1 / GFLOPs a frame and mAP (percent) at
# key-frame interval 1, 2, ... 20.
FIGURE_4: Final[dict[str, tuple[tuple[float, float], ...]]] = {
    "alpha_1.00_beta_1.00": (
        (0.3, 63.1),
        (0.6, 62.9),
        (0.88, 62.7),
        (1.13, 62.6),
        (1.39, 62.2),
        (1.6, 62.0),
        (1.83, 61.8),
        (2.01, 61.6),
        (2.2, 61.4),
        (2.4, 61.3),
        (2.54, 60.9),
        (2.71, 60.6),
        (2.87, 60.3),
        (3.01, 60.0),
        (3.14, 59.8),
        (3.26, 59.6),
        (3.4, 59.2),
        (3.51, 58.8),
        (3.63, 58.5),
        (3.72, 58.1),
    ),
    "alpha_1.00_beta_0.75": (
        (0.32, 62.8),
        (0.62, 62.6),
        (0.93, 62.3),
        (1.2, 62.0),
        (1.46, 61.8),
        (1.71, 61.6),
        (1.97, 61.4),
        (2.2, 61.3),
        (2.4, 61.1),
        (2.66, 60.9),
        (2.84, 60.5),
        (3.03, 60.2),
        (3.21, 60.0),
        (3.4, 59.6),
        (3.58, 59.4),
        (3.75, 59.1),
        (3.91, 58.8),
        (4.07, 58.5),
        (4.23, 58.1),
        (4.37, 57.6),
    ),
    "alpha_1.00_beta_0.50": (
        (0.32, 62.6),
        (0.62, 62.4),
        (0.95, 62.0),
        (1.23, 61.7),
        (1.53, 61.4),
        (1.8, 61.1),
        (2.08, 60.9),
        (2.34, 60.6),
        (2.59, 60.4),
        (2.89, 60.2),
        (3.08, 60.0),
        (3.33, 59.7),
        (3.54, 59.4),
        (3.77, 59.1),
        (4.0, 58.8),
        (4.21, 58.5),
        (4.42, 58.3),
        (4.62, 57.8),
        (4.79, 57.4),
        (4.99, 57.0),
    ),
    "alpha_0.75_beta_0.75": (
        (0.56, 58.3),
        (1.09, 58.1),
        (1.55, 57.8),
        (2.01, 57.6),
        (2.4, 57.4),
        (2.8, 57.2),
        (3.17, 57.0),
        (3.49, 56.8),
        (3.82, 56.6),
        (4.25, 56.4),
        (4.39, 56.1),
        (4.67, 55.7),
        (4.93, 55.3),
        (5.13, 55.0),
        (5.36, 54.7),
        (5.57, 54.6),
        (5.8, 54.2),
        (5.97, 53.8),
        (6.15, 53.5),
        (6.36, 53.1),
    ),
    "alpha_0.75_beta_0.50": (
        (0.56, 57.7),
        (1.11, 57.5),
        (1.64, 57.4),
        (2.13, 57.2),
        (2.59, 57.0),
        (3.05, 56.8),
        (3.49, 56.5),
        (3.88, 56.3),
        (4.28, 56.1),
        (4.9, 56.0),
        (5.04, 55.9),
        (5.39, 55.7),
        (5.71, 55.5),
        (6.06, 55.4),
        (6.36, 55.0),
        (6.66, 54.7),
        (6.94, 54.4),
        (7.24, 53.9),
        (7.51, 53.7),
        (7.75, 53.4),
    ),
    "alpha_0.50_beta_0.50": (
        (1.23, 52.9),
        (2.36, 52.7),
        (3.4, 52.5),
        (4.35, 52.3),
        (5.23, 52.1),
        (6.06, 52.0),
        (6.8, 51.8),
        (7.51, 51.6),
        (8.12, 51.4),
        (8.76, 51.2),
        (9.34, 51.0),
        (9.9, 50.9),
        (10.4, 50.8),
        (10.87, 50.5),
        (11.35, 50.3),
        (11.75, 49.9),
        (12.19, 49.5),
        (12.49, 49.2),
        (12.81, 49.0),
        (13.16, 48.6),
    ),
}
