/*
 * NAT detection, RFC 7296 §2.23: each side sends hashes of the addresses and ports as it sees
 * them; what the other finds different was changed by a NAT on the way.
 */
#include "control/ike/crypto.h"
#include "lib/mem.h"

int ike_nat_hash(const struct ike_crypto *c, uint64_t spi_i, uint64_t spi_r, const struct addr *a,
                 uint16_t port, uint8_t out[20])
{
    uint8_t spis[16], p[2] = {(uint8_t)(port >> 8), (uint8_t)port};
    struct wbuf w = wbuf_make(spis, sizeof spis);

    wbuf_u64(&w, spi_i);
    wbuf_u64(&w, spi_r);
    struct bytes in[] = {{spis, sizeof spis}, {a->b, addr_size(a)}, {p, sizeof p}};
    return ike_sha1(c, in, 3, out);
}

void ike_nat_write(const struct ike_crypto *c, struct ike_writer *w, uint64_t spi_i, uint64_t spi_r,
                   const struct ike_path *path)
{
    uint8_t hash[20];

    if (ike_nat_hash(c, spi_i, spi_r, &path->local, path->lport, hash) == 0)
        ike_w_notify(w, N_NAT_SOURCE, hash, sizeof hash);
    if (ike_nat_hash(c, spi_i, spi_r, &path->remote, path->rport, hash) == 0)
        ike_w_notify(w, N_NAT_DESTINATION, hash, sizeof hash);
}

void ike_nat_detect(const struct ike_crypto *c, const struct ike_payloads *l, uint64_t spi_i,
                    uint64_t spi_r, const struct ike_path *path, struct ike_nat *out)
{
    uint8_t theirs[20], ours[20];
    bool source = false, source_ok = false, dest = false, dest_ok = false;

    *out = (struct ike_nat){0};
    if (ike_nat_hash(c, spi_i, spi_r, &path->remote, path->rport, theirs) < 0 ||
        ike_nat_hash(c, spi_i, spi_r, &path->local, path->lport, ours) < 0)
        return;
    for (unsigned i = 0; i < l->n; i++) {
        struct ike_notify_pl n;
        if (l->v[i].type != PL_NOTIFY || ike_notify_read(&l->v[i], &n) < 0 || n.len != 20)
            continue;
        /* A peer with several addresses may send several sources; one match is enough. */
        if (n.type == N_NAT_SOURCE) {
            source = true;
            source_ok |= mem_equal_ct(n.data, theirs, 20);
        } else if (n.type == N_NAT_DESTINATION) {
            dest = true;
            dest_ok |= mem_equal_ct(n.data, ours, 20);
        }
    }
    out->supported = source && dest;
    out->remote = out->supported && !source_ok;
    out->local = out->supported && !dest_ok;
}
