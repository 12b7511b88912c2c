# %% [markdown]
# # lengths

# %%
name = ""
idnum = ""
option = 1

# %%
import torch
import lengths

print(lengths.span(torch.tensor([1.0, 3.0])))

# %%
torch.save({"span": lengths.span(torch.tensor([1.0, 3.0]))}, "lengths.pt")

# %% [markdown]
# Why the largest minus the smallest?

# %% [markdown] tags=["answer"]
# *Your answer:*
