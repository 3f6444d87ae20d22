// expect alone: green: an argument of this job cannot be sent to another process: take values
#include <green/executor/process_executor.hpp>

struct wide {
    int aa, ab, ac, ad, ae, af, ag, ah, ai, aj, ak, al, am;
    int an, ao, ap, aq, ar, as, at, au, av, aw, ax, ay, az;
    int ba, bb, bc, bd, be, bf, bg, bh, bi, bj, bk, bl, bm;
    int bn, bo, bp, bq, br, bs, bt, bu, bv, bw, bx, by, bz;
    int ca, cb, cc, cd, ce, cf, cg, ch, ci, cj, ck, cl, cm;
};
int first(wide w);
void f(green::process_executor& pool, wide w) { pool.submit(first, w); }
