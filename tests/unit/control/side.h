/* A control whose datapath's words are the test's: a table of SAs, a journal, counters. */
#ifndef TANDEM_TESTS_CONTROL_SIDE_H
#define TANDEM_TESTS_CONTROL_SIDE_H

#include "bench.h"
#include "control/journal.h"

#include <sys/mman.h>

struct side {
    struct bench *b;
    struct ipc *end; /* of the datapath */
    struct frame heard[64];
    size_t n;
    struct dpstats *stats; /* as the datapath sees them */
    int journal;           /* memory that outlives an engine */
};

static inline void on_heard(struct ipc *ipc, struct ipc_msg *m, void *ctx)
{
    struct side *s = (struct side *)ctx;
    (void)ipc;
    assert_true(s->n < 64);
    s->heard[s->n].type = m->type;
    s->heard[s->n].len = m->len;
    memcpy(s->heard[s->n].data, m->data,
           m->len < sizeof(s->heard[0].data) ? m->len : sizeof(s->heard[0].data));
    s->n++;
}

static inline void turn(struct side *s)
{
    for (int i = 0; i < 8; i++)
        event_base_loop(s->b->base, EVLOOP_NONBLOCK);
}

/* A new channel; what the control does not begin without a configuration is begun here. */
static inline void connect_channel(struct side *s)
{
    int fd[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), 0);
    ipc_free(s->end);
    s->end = ipc_new(s->b->base, fd[1], on_heard, NULL, s);
    control_set_datapath(s->b->c, fd[0]);
    wanted_dump(s->b->c);
    turn(s);
    assert_int_equal(s->heard[s->n - 1].type, SADB_DUMP);
}

static inline void connect_datapath(struct side *s)
{
    s->n = 0;
    connect_channel(s);
    assert_int_equal(s->n, 1);
    s->n = 0;
}

static inline void give_counters(struct side *s)
{
    int fd = memfd_create("stats", MFD_CLOEXEC);
    assert_int_equal(ftruncate(fd, sizeof(struct dpstats)), 0);
    void *at = mmap(NULL, sizeof(struct dpstats), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    assert_ptr_not_equal(at, MAP_FAILED);
    s->stats = (struct dpstats *)at;
    control_set_socket(s->b->c, SOCK_STATS, fd);
}

static inline void give_journal(struct side *s)
{
    s->journal = memfd_create("journal", MFD_CLOEXEC);
    assert_int_equal(ftruncate(s->journal, JOURNAL_SIZE), 0);
    s->b->c->journal = journal_open(dup(s->journal));
    assert_non_null(s->b->c->journal);
}

static inline struct side *begin(void **state)
{
    struct bench *b = (struct bench *)*state;
    struct side *s = (struct side *)calloc(1, sizeof(*s));
    assert_non_null(s);
    s->b = b;
    s->journal = -1;
    ipc_free(b->dp_end); /* the bench's acknowledges everything */
    b->dp_end = NULL;
    return s;
}

static inline void end(struct side *s)
{
    ipc_free(s->end);
    if (s->stats)
        munmap(s->stats, sizeof(*s->stats));
    if (s->journal >= 0)
        close(s->journal);
    free(s);
}

static inline struct sadb_sa sa(uint32_t id, uint8_t dir)
{
    struct sadb_sa m;
    memset(&m, 0, sizeof(m));
    m.sa = id;
    m.ifid = 1;
    m.policy = 7;
    m.slot = id;
    m.spi = 0x1000 + id;
    m.proto = SADB_ESP;
    m.mode = SADB_TUNNEL;
    m.dir = dir;
    m.encr.key_len = 32;
    memset(m.encr.key, (int)id, 32);
    m.local = adr("192.0.2.1");
    m.remote = adr("203.0.113.1");
    return m;
}

static inline void add(struct side *s, uint32_t id, uint8_t dir)
{
    struct sadb_sa m = sa(id, dir);
    assert_int_equal(wanted_add(s->b->c, &m), 0);
}

/* The i-th SA that the datapath was told to add. */
static inline struct sadb_sa added(const struct side *s, size_t i)
{
    struct sadb_sa m;
    for (size_t k = 0; k < s->n; k++) {
        if (s->heard[k].type != SADB_ADD || i-- > 0)
            continue;
        assert_int_equal(s->heard[k].len, sizeof(m));
        memcpy(&m, s->heard[k].data, sizeof(m));
        return m;
    }
    fail_msg("so many were not added");
    abort();
}

static inline unsigned heard(const struct side *s, uint16_t type)
{
    return count(s->heard, s->n, type);
}

static inline enum wanted_state state_of(const struct side *s, uint32_t id)
{
    const struct wanted_sa *w = wanted_find(s->b->c, id);
    assert_non_null(w);
    return w->state;
}

static inline void answer(struct side *s, int err)
{
    wanted_dumped(s->b->c, err);
    turn(s);
}

#endif
