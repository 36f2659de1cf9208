/* The journal: records, room, memory that nobody should believe, and writers that die. */
#include "control/journal.h"
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#define SMALL (4u << 20)

static int memory(size_t size)
{
    int fd = memfd_create("journal", MFD_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(ftruncate(fd, (off_t)size), 0);
    return fd;
}

static struct journal *open_again(int fd)
{
    struct journal *j = journal_open(dup(fd));
    assert_non_null(j);
    return j;
}

/* Bytes that say which record they are, and that they are all of one put. */
static size_t content(uint8_t *p, uint64_t key, uint32_t turn)
{
    size_t n = 8 + (key * 977 + turn * 131u) % 3000;
    memcpy(p, &key, 4);
    memcpy(p + 4, &turn, 4);
    for (size_t i = 8; i < n; i++)
        p[i] = (uint8_t)(key * 7 + turn * 13 + i);
    return n;
}

struct seen {
    unsigned n, bad;
    uint32_t turn[64];
    struct journal *remove_from;
};

static void on_record(void *ctx, uint64_t key, const uint8_t *p, size_t n)
{
    struct seen *s = (struct seen *)ctx;
    static uint8_t want[4096];
    uint32_t turn;
    s->n++;
    s->bad++;
    if (n < 8 || key >= 64)
        return;
    memcpy(&turn, p + 4, 4);
    if (content(want, key, turn) != n || memcmp(want, p, n) != 0)
        return;
    s->bad--;
    s->turn[key] = turn;
    if (s->remove_from)
        journal_remove(s->remove_from, JOURNAL_SA, key);
}

static struct seen look(struct journal *j, enum journal_kind kind)
{
    struct seen s = {0};
    journal_each(j, kind, on_record, &s);
    return s;
}

static void put(struct journal *j, enum journal_kind kind, uint64_t key, uint32_t turn)
{
    uint8_t p[4096];
    assert_int_equal(journal_put(j, kind, key, p, content(p, key, turn)), 0);
}

static void records_are_replaced_removed_and_found_again(void **state)
{
    (void)state;
    int fd = memory(SMALL);
    struct journal *j = open_again(fd);
    assert_int_equal(journal_found(j), JOURNAL_NEW);
    for (uint64_t k = 0; k < 40; k++)
        put(j, JOURNAL_SA, k, 1);
    put(j, JOURNAL_IKE, 3, 5); /* the same key of another kind */
    put(j, JOURNAL_SA, 3, 2);
    journal_remove(j, JOURNAL_SA, 4);
    journal_remove(j, JOURNAL_SA, 4);
    assert_int_equal(journal_put(j, JOURNAL_NUMBERS, 0, NULL, 0), 0);
    for (int again = 0; again < 2; again++) {
        struct seen s = look(j, JOURNAL_SA);
        assert_int_equal(s.n, 39);
        assert_int_equal(s.bad, 0);
        assert_int_equal(s.turn[3], 2);
        assert_int_equal(s.turn[4], 0);
        assert_int_equal(look(j, JOURNAL_IKE).turn[3], 5);
        assert_int_equal(look(j, JOURNAL_NUMBERS).n, 1);
        journal_close(j);
        j = open_again(fd);
        assert_int_equal(journal_found(j), JOURNAL_KEPT);
    }
    struct seen s = {.remove_from = j};
    journal_each(j, JOURNAL_SA, on_record, &s);
    assert_int_equal(s.n, 39);
    assert_int_equal(look(j, JOURNAL_SA).n, 0);
    journal_close(j);
    close(fd);
}

/* What a record leaves holds nothing of it, whether it was removed or replaced. */
static void room_is_wiped(void **state)
{
    (void)state;
    static const char secret[] = "a key that nobody else shall see";
    int fd = memory(SMALL);
    struct journal *j = open_again(fd);
    uint8_t *p = (uint8_t *)mmap(NULL, SMALL, PROT_READ, MAP_SHARED, fd, 0);
    assert_int_equal(journal_put(j, JOURNAL_SA, 1, secret, sizeof(secret)), 0);
    assert_int_equal(journal_put(j, JOURNAL_SA, 2, secret, sizeof(secret)), 0);
    assert_non_null(memmem(p, SMALL, secret, sizeof(secret)));
    journal_put(j, JOURNAL_SA, 1, "", 1);
    assert_non_null(memmem(p, SMALL, secret, sizeof(secret)));
    journal_remove(j, JOURNAL_SA, 2);
    assert_null(memmem(p, SMALL, secret, sizeof(secret)));
    munmap(p, SMALL);
    journal_close(j);
    close(fd);
}

static void full_memory_keeps_what_it_has(void **state)
{
    (void)state;
    static uint8_t big[100000];
    int fd = memory(SMALL);
    struct journal *j = open_again(fd);
    unsigned n = 0;
    assert_int_equal(journal_put(j, JOURNAL_SA, 1, big, JOURNAL_RECORD + 1), -EMSGSIZE);
    put(j, JOURNAL_IKE, 7, 1);
    while (journal_put(j, JOURNAL_SA, n, big, sizeof(big)) == 0)
        n++;
    assert_in_range(n, 30, 40);
    for (int again = 0; again < 3; again++) { /* refused puts lose no room */
        assert_int_equal(journal_put(j, JOURNAL_SA, 99, big, sizeof(big)), -ENOSPC);
        assert_int_equal(look(j, JOURNAL_SA).n, n);
    }
    assert_int_equal(look(j, JOURNAL_IKE).turn[7], 1);
    journal_remove(j, JOURNAL_SA, 5);
    assert_int_equal(journal_put(j, JOURNAL_SA, 99, big, sizeof(big)), 0);
    journal_close(j);
    close(fd);
}

static void tens_of_thousands(void **state)
{
    (void)state;
    int fd = memory(JOURNAL_SIZE);
    struct journal *j = open_again(fd);
    uint8_t p[1000] = {0};
    const unsigned many = 60000;
    for (unsigned i = 0; i < many; i++)
        assert_int_equal(journal_put(j, JOURNAL_SA, i, p, sizeof(p)), 0);
    for (unsigned i = 0; i < many; i += 2)
        journal_remove(j, JOURNAL_SA, i);
    journal_close(j);
    j = open_again(fd);
    assert_int_equal(look(j, JOURNAL_SA).n, many / 2);
    journal_close(j);
    close(fd);
}

/* A memory of another version starts empty, and says so. */
static void another_version(void **state)
{
    (void)state;
    int fd = memory(SMALL);
    struct journal *j = open_again(fd);
    uint32_t version = JOURNAL_VERSION + 1;
    put(j, JOURNAL_SA, 1, 1);
    journal_close(j);
    assert_int_equal(pwrite(fd, &version, sizeof(version), 4), sizeof(version));
    j = open_again(fd);
    assert_int_equal(journal_found(j), JOURNAL_FOREIGN);
    assert_int_equal(look(j, JOURNAL_SA).n, 0);
    put(j, JOURNAL_SA, 1, 1);
    journal_close(j);
    assert_null(journal_open(memory(4096)));
    close(fd);
}

/* Numbers in the memory lead nowhere they should not. */
static void rubbish(void **state)
{
    (void)state;
    unsigned seed = 7;
    for (int run = 0; run < 60; run++) {
        int fd = memory(SMALL);
        struct journal *j = open_again(fd);
        for (uint64_t k = 0; k < 50; k++)
            put(j, JOURNAL_SA, k, (uint32_t)run);
        journal_close(j);
        for (int i = 0; i < 40; i++) {
            uint32_t v = (uint32_t)rand_r(&seed) % (i % 3 ? 400 : 0x7fffffff);
            /* the index's end, where entries are taken first, and the first blocks */
            off_t at = i % 2 ? 524288 + 64 - 4 * (rand_r(&seed) % 60)
                             : 524288 + 64 + 512 * (rand_r(&seed) % 300) +
                                   (run % 2 ? 0 : rand_r(&seed) % 24);
            assert_int_equal(pwrite(fd, &v, sizeof(v), at), sizeof(v));
        }
        j = open_again(fd);
        struct seen s = look(j, JOURNAL_SA);
        assert_true(s.n <= 60);
        for (uint64_t k = 0; k < 64; k++) {
            put(j, JOURNAL_SA, k, 9);
            put(j, JOURNAL_IKE, k, 9);
        }
        s = look(j, JOURNAL_SA);
        assert_int_equal(s.n - s.bad, 64); /* what was put after it is whole */
        journal_close(j);
        close(fd);
    }
}

/* --- writers that die ---------------------------------------------------------------------------
 */

#define KEYS 16
struct progress { /* what the writer has finished, and what it is at; in shared memory */
    volatile uint32_t done[KEYS], at[KEYS];
    volatile uint32_t writes; /* of all writers */
};

static void write_for_ever(int fd, struct progress *g, unsigned seed)
{
    struct journal *j = journal_open(dup(fd));
    uint8_t p[4096];
    if (!j)
        _exit(1);
    for (;;) {
        unsigned k = (unsigned)rand_r(&seed) % KEYS;
        uint32_t turn = g->done[k] + 1;
        g->at[k] = turn;
        if (turn % 5 == 0)
            journal_remove(j, JOURNAL_SA, k);
        else if (journal_put(j, JOURNAL_SA, k, p, content(p, k, turn)) != 0)
            _exit(2);
        g->done[k] = turn;
        g->writes++;
    }
}

/* Waits until the writer has written something, however late the machine lets it begin. */
static void wait_for_write(const struct progress *g, uint32_t before)
{
    struct timespec t = {.tv_nsec = 50000};
    for (int i = 0; g->writes == before; i++) {
        assert_true(i < 200000);
        nanosleep(&t, NULL);
    }
}

/* A turn's record; 0: the turn removes it. */
static uint32_t holds(uint32_t turn)
{
    return turn % 5 ? turn : 0;
}

static void check_records(int fd, struct progress *g)
{
    struct journal *j = open_again(fd);
    assert_int_equal(journal_found(j), JOURNAL_KEPT);
    struct seen s = look(j, JOURNAL_SA);
    assert_int_equal(s.bad, 0);
    for (unsigned k = 0; k < KEYS; k++) {
        assert_true(s.turn[k] == holds(g->done[k]) || s.turn[k] == holds(g->at[k]));
        /* the next writer goes on from what is there */
        g->done[k] = s.turn[k] == holds(g->at[k]) ? g->at[k] : g->done[k];
        g->at[k] = g->done[k];
    }
    journal_close(j);
}

static void killed_at_any_instant(void **state)
{
    (void)state;
    int fd = memory(SMALL);
    struct progress *g = (struct progress *)mmap(NULL, sizeof(*g), PROT_READ | PROT_WRITE,
                                                 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    unsigned seed = 1;
    journal_close(open_again(fd));
    for (unsigned run = 0; run < 1500; run++) {
        uint32_t before = g->writes;
        pid_t pid = fork();
        if (pid == 0)
            write_for_ever(fd, g, run + 1);
        if (run % 4) /* every fourth may die while it still opens the journal */
            wait_for_write(g, before);
        struct timespec t = {.tv_nsec = rand_r(&seed) % 1500000};
        nanosleep(&t, NULL);
        kill(pid, SIGKILL);
        int status;
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
        check_records(fd, g);
    }
    munmap(g, sizeof(*g));
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_are_replaced_removed_and_found_again),
        cmocka_unit_test(room_is_wiped),
        cmocka_unit_test(full_memory_keeps_what_it_has),
        cmocka_unit_test(tens_of_thousands),
        cmocka_unit_test(another_version),
        cmocka_unit_test(rubbish),
        cmocka_unit_test(killed_at_any_instant),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
