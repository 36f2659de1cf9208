/*
 * How many key agreements of a group one process computes per second: a key pair and a secret, as
 * each end of a set-up does. Run on every core at once it says what the group allows. Behind it
 * stands the CPU time of one in seconds, which is the same when others use the machine.
 *
 *     key_agreement GROUP SECONDS
 */
#include "control/ike/crypto.h"
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static double now(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

int main(int argc, char **argv)
{
    uint16_t group = argc == 3 ? (uint16_t)strtoul(argv[1], NULL, 10) : 0;
    double seconds = argc == 3 ? strtod(argv[2], NULL) : 0;
    uint8_t peer[IKE_PUB_MAX], secret[IKE_SECRET_MAX];
    struct ike_crypto *c = ike_crypto_new();
    struct ike_dh *other = c ? ike_dh_new(c, group) : NULL;
    size_t len = ike_dh_pub_len(group);
    unsigned long n = 0;
    if (!other || ike_dh_pub(other, peer, sizeof(peer)) < 0 || seconds <= 0) {
        fprintf(stderr, "usage: key_agreement GROUP SECONDS\n");
        return 2;
    }
    double begin = now(CLOCK_MONOTONIC), cpu = now(CLOCK_PROCESS_CPUTIME_ID), end;
    do {
        struct ike_dh *own = ike_dh_new(c, group);
        size_t got = 0;
        int err = own ? ike_dh_shared(own, peer, len, secret, sizeof(secret), &got) : -1;
        ike_dh_free(own);
        if (err < 0) {
            fprintf(stderr, "group %u: no key agreement\n", group);
            return 1;
        }
        n++;
        end = now(CLOCK_MONOTONIC);
    } while (end - begin < seconds);
    cpu = now(CLOCK_PROCESS_CPUTIME_ID) - cpu;
    printf("%.1f %.7f\n", (double)n / (end - begin), cpu / (double)n);
    ike_dh_free(other);
    ike_crypto_unref(c);
    return 0;
}
