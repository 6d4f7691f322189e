"""The network that predicts the target potential."""
from __future__ import annotations
import math
import torch
from torch import Tensor, nn
import torch.nn.functional as F
from paletteot.warmstarts.batches import Batch
LOG2E = math.log2(math.e)

def softmin(C, p, logw, eps, dim):
    """-eps log sum w exp((p - C)/eps) over dim of (m,k,l)"""
    s = LOG2E / eps
    key = p * s + logw * LOG2E
    z = torch.add(key.unsqueeze(3 - dim), C, alpha=-s)
    top = z.amax(dim, keepdim=True)
    total = z.sub_(top).exp2_().sum(dim)
    return -(total.log2() + top.squeeze(dim)) / s

class Attend(nn.Module):
    def __init__(self, d, heads):
        super().__init__()
        self.heads = heads
        self.q = nn.Linear(d, d); self.kv = nn.Linear(d, 2 * d); self.res = nn.Parameter(torch.randn(d) * .5)
        self.out = nn.Linear(d, d)
        self.mlp = nn.Sequential(nn.LayerNorm(d), nn.Linear(d, 2 * d), nn.GELU(), nn.Linear(2 * d, d))
        self.head = nn.Linear(d, 1)
        nn.init.zeros_(self.head.weight); nn.init.zeros_(self.head.bias)
    def forward(self, Y, Yn, Xn, mask):
        m, l, d = Y.shape; H = self.heads; k = Xn.shape[1]
        q = self.q(Yn).view(m, l, H, d // H).transpose(1, 2)
        kk, v = self.kv(Xn).view(m, k, 2, H, d // H).permute(2, 0, 3, 1, 4)
        o = F.scaled_dot_product_attention(q, kk, v, attn_mask=mask)
        Y = Y + self.out(o.transpose(1, 2).reshape(m, l, d))
        Y = Y + self.mlp(Y)
        return Y, self.head(Y)[..., 0]

class DualNetwork(nn.Module):
    def __init__(self, hidden=64, layers=3, heads=4, schedule=10, eps=.1, loss_kind='log', lo=.2, hi=16., step=True, deep=.5):
        super().__init__()
        self.T, self.eps, self.loss_kind, self.step, self.deep = schedule, eps, loss_kind, step, deep
        self.inp = nn.Sequential(nn.Linear(2 + 4, hidden), nn.GELU(), nn.Linear(hidden, hidden))
        self.register_buffer('taus', torch.logspace(math.log10(lo), math.log10(hi), heads), persistent=False)
        self.norms = nn.ModuleList(nn.LayerNorm(hidden) for _ in range(layers))
        self.blocks = nn.ModuleList(Attend(hidden, heads) for _ in range(layers))

    @torch.no_grad()
    def schedule(self, C, la, lb):
        g = torch.zeros_like(lb); gs = []; fs = []
        for e in torch.logspace(math.log10(40), math.log10(self.eps), self.T).tolist():
            f = softmin(C, g, lb, e, 2); g = softmin(C, f, la, e, 1)
            fs.append(f); gs.append(g)
        return fs, gs

    def potentials(self, batch: Batch):
        with torch.no_grad():
            C = batch.costs()
            t = self.taus[:, None, None]
            CY, CX = C.transpose(1, 2).contiguous()[:, None] / t, C[:, None] / t
            la, lb = batch.log_weights(); a, b = batch.a[batch.source], batch.b[batch.target]
            fs, gs = self.schedule(C, la, lb)
        def tokens(w, lw, ps):
            lw = torch.where(w > 0, lw, 0.)
            n = (w > 0).sum(-1, keepdim=True)
            ps = [torch.where(w > 0, p, 0.) for p in ps]
            c = [p - (p * w).sum(-1, keepdim=True) for p in ps]
            return self.inp(torch.stack([lw + n.log(), w * n, c[-1] / 20, (c[-1] - c[-2]), (c[-1] - c[-3]) / 3, (c[-1]-c[-5])/10], -1))
        X, Y = tokens(a, la, fs), tokens(b, lb, gs)
        f, g = fs[-1], gs[-1]; trace = []
        for i, (norm, blk) in enumerate(zip(self.norms, self.blocks)):
            with torch.no_grad():
                f, g = f.detach(), g.detach()
                f2 = softmin(C, g, lb, self.eps, 2); g2 = softmin(C, f2 if self.step else f, la, self.eps, 1)
                rf = torch.asinh((f2 - f)*3); rg = torch.asinh((g2 - g)*3)
                rf = rf - (rf*a).sum(-1,keepdim=True); rg = rg - (rg*b).sum(-1,keepdim=True)
                if self.step: f, g = f2, g2
                mY = (f[:, None, :] / self.taus[:, None] + la[:, None, :])[:, :, None, :] - CY
                mX = (g[:, None, :] / self.taus[:, None] + lb[:, None, :])[:, :, None, :] - CX
            Xn, Yn = norm(X) + rf[..., None] * blk.res, norm(Y) + rg[..., None] * blk.res
            Y, dg = blk(Y, Yn, Xn, mY)
            g = g + dg
            if i < len(self.blocks) - 1 or self.training:
                X, df = blk(X, Xn, Yn, mX)
                f = f + df
            trace.append((f, g))
        return trace, C, la, lb, a, b

    def loss(self, batch: Batch):
        trace, C, la, lb, a, b = self.potentials(batch)
        with torch.no_grad():
            ft = softmin(C, batch.g, lb, self.eps, 2)
            if self.loss_kind == 'slow':
                P = ((batch.g[:, None, :] + ft[:, :, None] - C) / self.eps + lb[:, None, :] + la[:, :, None]).exp()
                cond = P / P.sum(2, keepdim=True).clamp_min(1e-30)
                back = (P / P.sum(1, keepdim=True).clamp_min(1e-30)).transpose(1, 2)  # m,l,k rows sum to one
                def powers(M):
                    M4 = M @ M; M4 = M4 @ M4; M16 = M4 @ M4; M16 = M16 @ M16
                    return M4, M16
                pows = powers(back @ cond), powers(cond @ back)
        def centre(e, w):
            e = torch.where(w > 0, e, 0.)
            return e - (e * w).sum(-1, keepdim=True)
        def norm(e, w): return (e * e * w).sum(-1)
        def lg(e, w): return .5 * (norm(e, w) + 1e-4).log().mean()
        def one(e, w, side):
            if self.loss_kind == 'rms': return norm(e, w).sqrt().mean()
            if self.loss_kind == 'log': return lg(e, w)
            M4, M16 = pows[side]
            e1 = M4 @ e[..., None]; e2 = e1
            for _ in range(4): e2 = M16 @ e2
            return (lg(e, w) + lg(e1[..., 0], w) + lg(e2[..., 0], w)) / 3
        L = 0.; W = 0.
        for i, (f, g) in enumerate(reversed(trace)):
            c = self.deep ** i; W += c
            L = L + c * .5 * (one(centre(g - batch.g, b), b, 0) + one(centre(f - ft, a), a, 1))
        return L / W
