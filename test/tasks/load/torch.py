import torch
from safetensors.torch import load_file
from torch import nn

model = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 2))
model.load_state_dict(load_file("small.safetensors"))
print(model(torch.ones(1, 3, 12, 12)).numel())
