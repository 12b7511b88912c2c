# %% [markdown]
# # areas

# %%
name = ""
idnum = ""
option = 1

# %%
import areas
import torch

print(areas.Strip(2.0).area(torch.tensor([1.0, 3.0])))
