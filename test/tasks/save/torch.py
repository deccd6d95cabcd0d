from safetensors.torch import save_file
from torch import nn

model = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 2))
save_file(model.state_dict(), "small.safetensors")
print("saved")
