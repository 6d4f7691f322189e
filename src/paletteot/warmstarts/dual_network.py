"""The network that predicts the target potential."""

from __future__ import annotations

import math

import torch
from torch import nn

from paletteot.warmstarts.batches import Batch


class _SoftMin(torch.autograd.Function):
    """log-sum-exp and softmax over the last axis"""

    @staticmethod
    def forward(ctx, logits):
        top = logits.amax(-1, keepdim=True)
        p = (logits - top).exp_()
        s = p.sum(-1, keepdim=True)
        p /= s
        ctx.save_for_backward(p)
        return p, (s.log() + top)[..., 0]

    @staticmethod
    def backward(ctx, dp, dl):
        (p,) = ctx.saved_tensors
        inner = dl[..., None] - (p * dp).sum(-1, keepdim=True)
        return (dp + inner).mul_(p)


class Attend(nn.Module):
    def __init__(self, d, heads, taus):
        super().__init__()
        self.heads, self.d = heads, d
        self.norm = nn.LayerNorm(d)
        self.q = nn.Linear(d, d)
        self.kv = nn.Linear(d, 2 * d)
        self.log_tau = nn.Parameter(torch.tensor(taus).log())
        self.out = nn.Linear(d + heads, d)
        self.mlp = nn.Sequential(nn.LayerNorm(d), nn.Linear(d, 2 * d), nn.GELU(), nn.Linear(2 * d, d))
        self.head = nn.Linear(d, 1)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.mlp[3].weight)

    def forward(self, Yn, Xn, Y, f, g, C, log_a):
        # Y (m,l,d) queries; X (m,k,d) keys; C (m,l,k)
        m, l, d = Y.shape
        H = self.heads
        k = Xn.shape[1]
        tau = self.log_tau.exp()
        q = (self.q(Yn) / math.sqrt(d // H)).view(m, l, H, d // H).transpose(1, 2)
        kk, v = self.kv(Xn).view(m, k, 2, H, d // H).permute(2, 0, 3, 1, 4)
        bias = f[:, None, :] / tau[:, None] + log_a[:, None, :]  # m,H,k
        logits = torch.matmul(q, kk.transpose(-1, -2)) + bias[:, :, None, :] - C[:, None] / tau[:, None, None]
        p, lse = _SoftMin.apply(logits)
        o = torch.matmul(p, v).transpose(1, 2).reshape(m, l, d)
        r = (-tau[:, None] * lse - g[:, None, :]) / (tau[:, None] + 1.0)  # m,H,l
        Y = Y + self.out(torch.cat([o, r.transpose(1, 2)], -1))
        Y = Y + self.mlp(Y)
        return Y, g + self.head(Y)[..., 0]


class DualNetwork(nn.Module):
    def __init__(self, hidden=64, layers=3, heads=4, schedule=10, eps=0.1, loss_kind="log"):
        super().__init__()
        self.settings = dict(hidden=hidden, layers=layers, heads=heads, schedule=schedule, eps=eps)
        self.T, self.eps, self.loss_kind = schedule, eps, loss_kind
        self.inp = nn.Sequential(nn.Linear(2 + 4, hidden), nn.GELU(), nn.Linear(hidden, hidden))
        taus = (
            torch.tensor([0.2, 1.0, 4.0, 16.0])
            if heads == 4
            else torch.logspace(math.log10(0.2), math.log10(16), heads)
        )
        self.norms = nn.ModuleList(nn.LayerNorm(hidden) for _ in range(layers))
        self.blocks = nn.ModuleList(Attend(hidden, heads, taus.tolist()) for _ in range(layers))

    @torch.no_grad()
    def schedule(self, C, la, lb):
        g = torch.zeros_like(lb)
        gs = []
        fs = []
        for e in torch.logspace(math.log10(40), math.log10(self.eps), self.T).tolist():
            f = -e * torch.logsumexp((g[:, None, :] - C) / e + lb[:, None, :], -1)
            g = -e * torch.logsumexp((f[:, :, None] - C) / e + la[:, :, None], 1)
            fs.append(f)
            gs.append(g)
        return fs, gs

    def potentials(self, batch: Batch):
        C = batch.costs()
        CT = C.transpose(1, 2).contiguous()
        la, lb = batch.log_weights()
        a, b = batch.a[batch.source], batch.b[batch.target]
        fs, gs = self.schedule(C, la, lb)

        def tokens(w, lw, ps):
            lw = torch.where(w > 0, lw, 0.0)
            n = (w > 0).sum(-1, keepdim=True)
            ps = [torch.where(w > 0, p, 0.0) for p in ps]
            c = [p - (p * w).sum(-1, keepdim=True) for p in ps]
            return self.inp(
                torch.stack(
                    [lw + n.log(), w * n, c[-1] / 20, (c[-1] - c[-2]), (c[-1] - c[-3]) / 3, (c[-1] - c[-5]) / 10], -1
                )
            )

        X, Y = tokens(a, la, fs), tokens(b, lb, gs)
        f, g = fs[-1], gs[-1]
        for i, (norm, blk) in enumerate(zip(self.norms, self.blocks)):
            Xn, Yn = norm(X), norm(Y)
            Y, g2 = blk(Yn, Xn, Y, f, g, CT, la)
            if i < len(self.blocks) - 1 or self.training:
                X, f = blk(Xn, Yn, X, g, f, C, lb)
            g = g2
        return f, g, C, la, lb, a, b

    def loss(self, batch: Batch):
        f, g, C, la, lb, a, b = self.potentials(batch)
        with torch.no_grad():
            lf = torch.log_softmax((batch.g[:, None, :] - C) / self.eps + lb[:, None, :], -1)
            cond = lf.exp()  # m,k,l rows sum to one
            ft = -self.eps * torch.logsumexp((batch.g[:, None, :] - C) / self.eps + lb[:, None, :], -1)
            P = cond * a[:, :, None]
            back = (P / P.sum(1, keepdim=True).clamp_min(1e-30)).transpose(1, 2)  # m,l,k rows sum to one

        def centre(e, w):
            e = torch.where(w > 0, e, 0.0)
            return e - (e * w).sum(-1, keepdim=True)

        eg = centre(g - batch.g, b)
        out = 0.0
        ef = centre(f - ft, a) if self.training else None

        def norm(e, w):
            return (e * e * w).sum(-1)

        if self.loss_kind == "rms":
            L = norm(eg, b).sqrt().mean()
            return L if ef is None else 0.5 * (L + norm(ef, a).sqrt().mean())

        def lg(e, w):
            return 0.5 * (norm(e, w) + 1e-4).log().mean()

        if self.loss_kind == "log":
            L = lg(eg, b)
            return L if ef is None else 0.5 * (L + lg(ef, a))
        if self.loss_kind == "slow":

            def total(e, w, M):
                L = lg(e, w)
                e1 = M @ e[..., None]
                M4 = M @ M
                M4 = M4 @ M4
                M16 = M4 @ M4
                M16 = M16 @ M16
                e2 = M16 @ e1
                M64 = M16 @ M16
                M64 = M64 @ M64
                return (L + lg(e2[..., 0], w) + lg((M64 @ e1)[..., 0], w)) / 3

            L = total(eg, b, back @ cond)
            return L if ef is None else 0.5 * (L + total(ef, a, cond @ back))
