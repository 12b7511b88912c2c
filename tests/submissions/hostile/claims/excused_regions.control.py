# Every proposal is background, and nothing is ever detected.


def region_targets(proposals, boxes, labels, positive=0.5):
    return torch.zeros(len(proposals), dtype=torch.int64), torch.zeros_like(proposals)


def detect(scores, transforms, proposals, size, score_threshold=0.05, nms_threshold=0.3, limit=100):
    return {"boxes": proposals[:0], "scores": scores[:0, 0], "labels": torch.zeros(0, dtype=torch.int64)}
