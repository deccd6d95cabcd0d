import torch
from torch import nn

body = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 8, 3, padding=1), nn.ReLU())
head = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 2))
activation = body(torch.ones(1, 3, 12, 12))
activation.retain_grad()
head(activation)[0, 1].backward()
weights = activation.grad.mean((2, 3), keepdim=True)
print((activation * weights).sum(1).relu().numel())
