/* Printing: forms chosen by what is present, blocks, secrets, parts of the whole. */
#include "tests/unit/parser/support.h"
#include <string.h>

static const char ports[] = "port e0/1\nabout second\nport e0/0\nabout first  port\nlevel 3\n"
                            "address 10.0.0.1 255.255.255.0\nspeed 1000\ndown";

static void test_blocks(void **state)
{
    (void)state;
    struct box b;
    box_init(&b, true);
    box_paste(&b, ports);
    assert_prints(&b, "port Ethernet0/0\n about first  port\n down\n"
                      " address 10.0.0.1 255.255.255.0\n level 3\n speed 1000\n!\n"
                      "port Ethernet0/1\n about second\n no address\n level 50\n!\n");
    box_free(&b);
}

static void test_forms_by_presence(void **state)
{
    (void)state;
    struct box b;
    box_init(&b, true);
    box_paste(&b, "list A permit 17 host 1.2.3.4 from 10.0.0.0 0.255.255.255 range 80 443 log\n"
                  "list A permit 0 any eq 53\nmap M 1 life kilobytes 100");
    assert_prints(&b, "map M 1 life kilobytes 100\n"
                      "list A permit udp host 1.2.3.4 from 10.0.0.0 0.255.255.255 range www https "
                      "log\nlist A permit ip any eq domain\n");
    b.place.asa = false;
    assert_prints(&b, "map M 1\n life kilobytes 100\n"
                      "list A permit udp host 1.2.3.4 from 10.0.0.0 0.255.255.255 range www 443 "
                      "log\nlist A permit ip any eq domain\n");
    box_free(&b);
}

static void test_secrets(void **state)
{
    (void)state;
    struct box b;
    box_init(&b, true);
    box_paste(&b, "map M 1 key very secret");
    assert_string_equal(box_show(&b, 0), "map M 1 key *****\n");
    assert_string_equal(box_show(&b, PRINT_SECRETS), "map M 1 key very secret\n");
    box_free(&b);
    box_init(&b, true); /* each `secret` line of an entry counts */
    box_paste(&b, "port e0/0\n colour red secret blue");
    assert_non_null(strstr(box_show(&b, 0), " colour ***** secret *****\n"));
    box_free(&b);
}

/* The node alone, in words that do not depend on the dialect. */
static void test_plain(void **state)
{
    (void)state;
    struct box b;
    struct str out = {0};
    box_init(&b, true);
    box_paste(&b, ports);
    box_paste(&b, "port e0/0\n colour red secret blue");
    const struct cfg_node *p = cfg_find_word(b.tree->root, E_PORT, "Ethernet0/0");
    print_plain(p, &out);
    assert_string_equal(str_text(&out), "port\nname Ethernet0/0\n");
    for (const struct cfg_node *n = p->first; n; n = n->next) {
        str_clear(&out);
        print_plain(n, &out);
        if (strstr(str_text(&out), "colour") == str_text(&out))
            break;
    }
    assert_string_equal(str_text(&out), "colour\nname red\nsecret blue\n");
    str_free(&out);
    box_free(&b);
}

static void test_long_lists_split(void **state)
{
    (void)state;
    struct box b, again;
    box_init(&b, true);
    box_init(&again, true);
    for (unsigned i = 0; i < 100; i++) {
        struct str line = {0};
        str_printf(&line, "map M 1 peer 192.168.100.%u", 100 + i);
        assert_says(&b, str_text(&line), "");
        str_free(&line);
    }
    struct str text = {0};
    str_add(&text, box_show(&b, 0));
    box_paste(&again, str_text(&text)); /* no line is longer than a line may be */
    assert_true(cfg_tree_equal(b.tree, again.tree));
    str_free(&text);
    box_free(&again);
    box_free(&b);
}

static const char *part(struct box *b, void (*fn)(struct box *b))
{
    str_clear(&b->said);
    fn(b);
    return str_text(&b->said);
}

static void second_port(struct box *b)
{
    print_node(cfg_find_word(b->tree->root, E_PORT, "Ethernet0/1"), true, 0, &b->said);
}

static void its_text(struct box *b)
{
    const struct cfg_node *p = cfg_find_word(b->tree->root, E_PORT, "Ethernet0/1");
    print_node(cfg_first(p, E_ABOUT), true, 0, &b->said);
}

static void maps(struct box *b)
{
    assert_int_equal(print_module(b->tree, "map", true, 0, &b->said), 0);
}

static void peers(struct box *b)
{
    const struct cfg_node *m = cfg_find_word(b->tree->root, E_MAP, "M");
    print_entries(cfg_first(m, E_ENTRY), E_PEER, true, 0, &b->said);
}

static void matching_port(struct box *b)
{
    print_matching(b->tree, " port  Ethernet0/1 ", true, 0, &b->said);
}

static void matching_map(struct box *b)
{
    print_matching(b->tree, "map M 1", true, 0, &b->said);
}

static void test_parts(void **state)
{
    (void)state;
    struct box b;
    box_init(&b, true);
    box_paste(&b, ports);
    box_paste(&b, "map M 1 peer 1.1.1.1\nmap M 1 life seconds 60\nmap M 10 peer 2.2.2.2");
    assert_string_equal(part(&b, second_port),
                        "port Ethernet0/1\n about second\n no address\n level 50\n!\n");
    assert_string_equal(part(&b, its_text), " about second\n");
    assert_string_equal(part(&b, maps), "map M 1 peer 1.1.1.1 \nmap M 1 life seconds 60\n"
                                        "map M 10 peer 2.2.2.2 \n");
    assert_string_equal(part(&b, peers), "map M 1 peer 1.1.1.1 \n");
    assert_string_equal(part(&b, matching_port),
                        "port Ethernet0/1\n about second\n no address\n level 50\n!\n");
    assert_string_equal(part(&b, matching_map), "map M 1 peer 1.1.1.1 \nmap M 1 life seconds 60\n");
    assert_int_equal(print_module(b.tree, "no such", true, 0, &b.said), -1);
    box_free(&b);
}

struct reports {
    struct str text;
};

static void report(void *ctx, const char *lines)
{
    str_add(&((struct reports *)ctx)->text, lines);
}

static void test_offline_check(void **state)
{
    (void)state;
    static const char text[] = ": a comment\n"
                               "name box\r\n"
                               "\n"
                               "port e0/0\n"
                               " levle 3\n"
                               " level 3\n"
                               " speed 10\n"
                               " speed auto\n"
                               " colour red\n"
                               "end\n"
                               "map M 1 peer\n"
                               "show tree";
    struct reports r = {0};
    struct check_counts n = {0};
    check_text(true, "f.cfg", text, sizeof(text) - 1, report, &r, &n);
    assert_string_equal(str_text(&r.text), "f.cfg:5:  levle 3\n"
                                           "             ^\n"
                                           "ERROR: % Invalid input detected at '^' marker.\n"
                                           "f.cfg:7: accepted without effect: speed 10\n"
                                           "f.cfg:9: accepted without effect: (a line with a "
                                           "secret)\n"
                                           "f.cfg:11: map M 1 peer\n"
                                           "ERROR: % Incomplete command\n");
    assert_int_equal(n.lines, 10);
    assert_int_equal(n.refused, 2);
    assert_int_equal(n.act, 6);
    assert_int_equal(n.accepted, 2);
    str_free(&r.text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_blocks),           cmocka_unit_test(test_forms_by_presence),
        cmocka_unit_test(test_secrets),          cmocka_unit_test(test_plain),
        cmocka_unit_test(test_long_lists_split), cmocka_unit_test(test_parts),
        cmocka_unit_test(test_offline_check),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
