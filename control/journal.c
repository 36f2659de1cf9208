/*
 * The journal. See journal.h.
 *
 * The memory: a header, an index, and blocks of equal size. A record is a chain of blocks; what
 * makes it exist is its first block's number in an index entry. So a record is written into free
 * blocks first, and one store of that number then takes it into force, in place of the record
 * before, whose blocks are wiped. Which blocks are free is known to this process only: whoever
 * opens the memory takes as free what no entry reaches, and wipes it.
 *
 * The next owner of the memory is another process, which starts after this one has ended: stores
 * need to happen in program order only, and what could change that is the compiler.
 *
 * Nothing that stands in the memory is believed when it is opened: numbers are held against
 * bounds, a chain has exactly the length that its record needs, no block serves twice, no key is
 * there twice. What does not fit is dropped. After that only this process writes.
 */
#include "control/journal.h"
#include "lib/mem.h"
#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAGIC   0x544a524eu
#define BLOCK   512u
#define ROOM    (BLOCK - (unsigned)sizeof(uint32_t))
#define ENTRIES 131072u
#define NONE    0u /* block 0 is never used */

struct block {
    uint32_t next;
    uint8_t data[ROOM];
};
_Static_assert(sizeof(struct block) == BLOCK, "blocks have no padding");

/* At the start of a record's data. */
struct record {
    uint64_t key;
    uint32_t kind, len; /* len: of what follows */
};

struct memory {
    uint32_t magic, version, entries, block_size;
    _Atomic uint32_t used; /* blocks from here on were never touched */
    uint32_t pad[11];
    _Atomic uint32_t index[ENTRIES]; /* first block of a record, or NONE */
    struct block block[];
};
#define LEAST (sizeof(struct memory) + 64 * sizeof(struct block))

struct journal {
    struct memory *m;
    size_t size;
    uint32_t blocks;       /* that fit into the memory */
    uint32_t *free_blocks; /* a stack of those below m->used */
    uint32_t n_free;
    uint32_t *hash; /* open addressing: 1 + place in the index, by kind and key; 0: empty */
    uint32_t *free_places;
    uint32_t n_free_places;
    uint8_t *reach; /* while opening: blocks that belong to a record */
    enum journal_found found;
};
#define HASH (2 * ENTRIES)

static uint32_t blocks_for(size_t len)
{
    return (uint32_t)((sizeof(struct record) + len + ROOM - 1) / ROOM);
}

/* What was stored before this is in memory before what is stored after it. */
static void in_order(void)
{
    atomic_signal_fence(memory_order_seq_cst);
}

static uint32_t first_block(const struct journal *j, uint32_t place)
{
    return atomic_load_explicit(&j->m->index[place], memory_order_relaxed);
}

static void set_first_block(struct journal *j, uint32_t place, uint32_t block)
{
    in_order();
    atomic_store_explicit(&j->m->index[place], block, memory_order_release);
    in_order();
}

static struct record record_at(const struct journal *j, uint32_t block)
{
    struct record r;
    memcpy(&r, j->m->block[block].data, sizeof(r));
    return r;
}

/* --- finding a key ------------------------------------------------------------------------------
 */

static uint32_t hash_of(uint32_t kind, uint64_t key)
{
    uint64_t h = (key ^ (uint64_t)kind << 56) * UINT64_C(0x9e3779b97f4a7c15);
    return (uint32_t)(h >> 40) % HASH;
}

/* The cell of a key, or the empty one where it belongs. */
static uint32_t cell_of(const struct journal *j, uint32_t kind, uint64_t key)
{
    uint32_t at = hash_of(kind, key);
    for (; j->hash[at]; at = (at + 1) % HASH) {
        struct record r = record_at(j, first_block(j, j->hash[at] - 1));
        if (r.kind == kind && r.key == key)
            break;
    }
    return at;
}

/* Closes the gap, so that nothing behind it becomes unreachable. Needs all records in place. */
static void cell_free(struct journal *j, uint32_t at)
{
    uint32_t gap = at;
    for (at = (at + 1) % HASH; j->hash[at]; at = (at + 1) % HASH) {
        struct record r = record_at(j, first_block(j, j->hash[at] - 1));
        uint32_t home = hash_of(r.kind, r.key);
        if ((at + HASH - home) % HASH < (at + HASH - gap) % HASH)
            continue;
        j->hash[gap] = j->hash[at];
        gap = at;
    }
    j->hash[gap] = 0;
}

/* --- blocks ------------------------------------------------------------------------------------
 */

static uint32_t take_block(struct journal *j)
{
    if (j->n_free)
        return j->free_blocks[--j->n_free];
    uint32_t used = atomic_load_explicit(&j->m->used, memory_order_relaxed);
    if (used >= j->blocks)
        return NONE;
    /* Said before it is true: whoever comes next looks at a block too many, never at one too few */
    atomic_store_explicit(&j->m->used, used + 1, memory_order_release);
    in_order();
    return used;
}

static void free_chain(struct journal *j, uint32_t block)
{
    while (block != NONE) {
        uint32_t next = j->m->block[block].next;
        mem_wipe(&j->m->block[block], sizeof(struct block));
        j->free_blocks[j->n_free++] = block;
        block = next;
    }
}

/* A chain for n blocks, all of them linked. NONE when there is no room. */
static uint32_t take_chain(struct journal *j, uint32_t n)
{
    uint32_t head = NONE;
    while (n--) {
        uint32_t b = take_block(j);
        if (b == NONE) {
            free_chain(j, head);
            return NONE;
        }
        j->m->block[b].next = head;
        head = b;
    }
    return head;
}

static void write_chain(struct journal *j, uint32_t block, const struct record *r, const uint8_t *p)
{
    size_t at = sizeof(*r), left = r->len;
    memcpy(j->m->block[block].data, r, sizeof(*r));
    while (left) {
        size_t part = left < ROOM - at ? left : ROOM - at;
        memcpy(j->m->block[block].data + at, p, part);
        p += part;
        left -= part;
        at = 0;
        block = j->m->block[block].next;
    }
}

static void read_chain(const struct journal *j, uint32_t block, uint8_t *out, size_t left)
{
    for (size_t at = sizeof(struct record); left; at = 0) {
        size_t part = left < ROOM - at ? left : ROOM - at;
        memcpy(out, j->m->block[block].data + at, part);
        out += part;
        left -= part;
        block = j->m->block[block].next;
    }
}

/* --- opening ------------------------------------------------------------------------------------
 */

/* Whether a record stands there whole, of blocks that no other has; they are its own then. */
static bool claim(struct journal *j, uint32_t first, uint32_t used)
{
    if (first == NONE || first >= used)
        return false;
    struct record r = record_at(j, first);
    if (r.len > JOURNAL_RECORD)
        return false;
    uint32_t n = blocks_for(r.len), b = first, seen = 0;
    while (seen < n && b != NONE && b < used && !j->reach[b]) {
        j->reach[b] = 1;
        b = j->m->block[b].next;
        seen++;
    }
    if (seen == n && b == NONE)
        return true;
    for (b = first; seen--; b = j->m->block[b].next)
        j->reach[b] = 0;
    return false;
}

static void read_index(struct journal *j, uint32_t used)
{
    j->reach[NONE] = 1;
    for (uint32_t i = ENTRIES; i-- > 0;) {
        uint32_t first = first_block(j, i), cell = 0;
        bool whole = claim(j, first, used);
        if (whole) {
            struct record r = record_at(j, first);
            cell = cell_of(j, r.kind, r.key);
        }
        if (whole && !j->hash[cell]) {
            j->hash[cell] = i + 1;
            continue;
        }
        /* The blocks of a key's second record stay out of use until the next time. */
        if (first != NONE)
            set_first_block(j, i, NONE);
        j->free_places[j->n_free_places++] = i;
    }
}

static bool is_zero(const void *p, size_t n)
{
    const uint8_t *b = (const uint8_t *)p;
    return b[0] == 0 && memcmp(b, b + 1, n - 1) == 0;
}

static void read_blocks(struct journal *j, uint32_t used)
{
    for (uint32_t b = used; b-- > 1;) {
        if (j->reach[b])
            continue;
        if (!is_zero(&j->m->block[b], sizeof(struct block)))
            mem_wipe(&j->m->block[b], sizeof(struct block));
        j->free_blocks[j->n_free++] = b;
    }
}

/* Everything that an earlier owner left goes. Holes of a sparse memory are left alone. */
static int start_empty(struct journal *j, int fd)
{
    off_t end = (off_t)j->size, from = 0, to;
    while (from < end && (from = lseek(fd, from, SEEK_DATA)) >= 0) {
        to = lseek(fd, from, SEEK_HOLE);
        if (to <= from)
            return -EIO;
        mem_wipe((uint8_t *)j->m + from, (size_t)(to - from));
        from = to;
    }
    j->m->entries = ENTRIES;
    j->m->block_size = BLOCK;
    j->m->version = JOURNAL_VERSION;
    atomic_store_explicit(&j->m->used, 1, memory_order_relaxed);
    in_order();
    j->m->magic = MAGIC;
    return 0;
}

static enum journal_found look(const struct journal *j)
{
    const struct memory *m = j->m;
    if (!m->magic)
        return JOURNAL_NEW;
    if (m->magic != MAGIC || m->version != JOURNAL_VERSION || m->entries != ENTRIES ||
        m->block_size != BLOCK)
        return JOURNAL_FOREIGN;
    uint32_t used = atomic_load_explicit(&m->used, memory_order_relaxed);
    return used >= 1 && used <= j->blocks ? JOURNAL_KEPT : JOURNAL_FOREIGN;
}

static int make_tables(struct journal *j)
{
    if (!j->blocks)
        return -EINVAL; /* map() has asked for more */
    j->free_blocks = (uint32_t *)malloc(j->blocks * sizeof(uint32_t));
    j->free_places = (uint32_t *)malloc(ENTRIES * sizeof(uint32_t));
    j->hash = (uint32_t *)calloc(HASH, sizeof(uint32_t));
    j->reach = (uint8_t *)calloc(j->blocks, 1);
    return j->free_blocks && j->free_places && j->hash && j->reach ? 0 : -ENOMEM;
}

static int map(struct journal *j, int fd)
{
    struct stat st;
    if (fstat(fd, &st) < 0)
        return -errno;
    if (st.st_size < (off_t)LEAST || st.st_size > (off_t)JOURNAL_SIZE)
        return -EINVAL;
    j->size = (size_t)st.st_size;
    void *p = mmap(NULL, j->size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (p == MAP_FAILED)
        return -errno;
    j->m = (struct memory *)p;
    j->blocks = (uint32_t)((j->size - sizeof(struct memory)) / BLOCK);
    return 0;
}

struct journal *journal_open(int fd)
{
    struct journal *j = (struct journal *)calloc(1, sizeof(*j));
    int err = j ? map(j, fd) : -ENOMEM;
    if (!err)
        err = make_tables(j);
    if (!err)
        j->found = look(j);
    if (!err && j->found != JOURNAL_KEPT)
        err = start_empty(j, fd);
    close(fd);
    if (err) {
        journal_close(j);
        return NULL;
    }
    madvise(j->m, j->size, MADV_DONTDUMP);
    uint32_t used = atomic_load_explicit(&j->m->used, memory_order_relaxed);
    read_index(j, used);
    read_blocks(j, used);
    free(j->reach);
    j->reach = NULL;
    return j;
}

void journal_close(struct journal *j)
{
    if (!j)
        return;
    if (j->m)
        munmap(j->m, j->size);
    free(j->free_blocks);
    free(j->free_places);
    free(j->hash);
    free(j->reach);
    free(j);
}

enum journal_found journal_found(const struct journal *j)
{
    return j->found;
}

/* --- using it ---------------------------------------------------------------------------------
 */

int journal_put(struct journal *j, enum journal_kind kind, uint64_t key, const void *p, size_t n)
{
    if (n > JOURNAL_RECORD)
        return -EMSGSIZE;
    uint32_t cell = cell_of(j, kind, key);
    bool known = j->hash[cell] != 0;
    if (!known && !j->n_free_places)
        return -ENOSPC;
    uint32_t head = take_chain(j, blocks_for(n));
    if (head == NONE)
        return -ENOSPC;
    const struct record r = {.key = key, .kind = (uint32_t)kind, .len = (uint32_t)n};
    write_chain(j, head, &r, (const uint8_t *)p);
    uint32_t place = known ? j->hash[cell] - 1 : j->free_places[--j->n_free_places];
    uint32_t before = first_block(j, place);
    set_first_block(j, place, head);
    j->hash[cell] = place + 1;
    free_chain(j, before);
    return 0;
}

void journal_remove(struct journal *j, enum journal_kind kind, uint64_t key)
{
    uint32_t cell = cell_of(j, kind, key);
    if (!j->hash[cell])
        return;
    uint32_t place = j->hash[cell] - 1, first = first_block(j, place);
    cell_free(j, cell);
    set_first_block(j, place, NONE);
    j->free_places[j->n_free_places++] = place;
    free_chain(j, first);
}

void journal_each(struct journal *j, enum journal_kind kind,
                  void (*fn)(void *ctx, uint64_t key, const uint8_t *p, size_t n), void *ctx)
{
    for (uint32_t i = 0; i < ENTRIES; i++) {
        uint32_t first = first_block(j, i);
        if (first == NONE)
            continue;
        struct record r = record_at(j, first);
        uint8_t *copy = r.kind == (uint32_t)kind ? (uint8_t *)malloc(r.len + 1) : NULL;
        if (!copy)
            continue;
        read_chain(j, first, copy, r.len);
        fn(ctx, r.key, copy, r.len);
        mem_wipe(copy, r.len);
        free(copy);
    }
}
