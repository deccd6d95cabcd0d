import json
import timm
import torch
from PIL import Image
from timm.data import create_transform, resolve_model_data_config

# What a training script of timm wrote: weights, and beside them the names of the classes.
classes = json.load(open("runs/pets/classes.json"))
model = timm.create_model("efficientnet_b0", num_classes=len(classes), checkpoint_path="runs/pets/model_best.pth.tar")
model.eval()
transform = create_transform(**resolve_model_data_config(model), is_training=False)
with torch.no_grad():
    probabilities = model(transform(Image.open("new/cat.jpg").convert("RGB"))[None])[0].softmax(0)
print(dict(zip(classes, probabilities.tolist())), classes[probabilities.argmax()])
