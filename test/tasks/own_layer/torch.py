import torch
from torch import nn


class Scaled(nn.Module):
    """y = x w + b, where a number s scales the weights."""

    def __init__(self, inputs, outputs):
        super().__init__()
        self.w = nn.Parameter(torch.randn(inputs, outputs) * (2 / inputs) ** 0.5)
        self.s = nn.Parameter(torch.ones(1))
        self.b = nn.Parameter(torch.zeros(outputs))

    def forward(self, x):
        return x @ (self.w * self.s) + self.b


model = nn.Sequential(Scaled(4, 16), nn.ReLU(), nn.Linear(16, 2))
x = torch.arange(400.0).square().sin().reshape(100, 4)
y = (x[:, 0] > 0).long()
optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
for epoch in range(30):
    for batch in torch.randperm(100).split(32):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(x[batch]), y[batch])
        loss.backward()
        optimizer.step()
print(loss.item() < 0.2)
