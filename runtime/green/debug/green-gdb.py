"""GDB for programs on green: the command `green-tasks`, and printers for tasks and handles.

    (gdb) source green-gdb.py          # not needed where GDB finds it by itself
    (gdb) green-tasks
    loop of thread 12345
      #1 'main' waits for with_group of 2 tasks
          at main.cpp:12 in amain()
          spawned at main.cpp:40 in main()
        #2 running
    ...

It only reads memory, so it works on a core file as on a stopped process. It needs the debug information of the
library; the rest of the program may be without.
"""

import re

import gdb
import gdb.printing

STATES = {
    "created": "not started",
    "ready": "ready",
    "running": "running",
    "suspended": "waits for",
    "unwinding": "being cancelled",
    "ended": "ended",
}


# --- the C++ library's types


def string_of(value):
    size = int(value["_M_string_length"])
    return value["_M_dataplus"]["_M_p"].string("utf-8", "replace", length=size) if size else ""


def atomic(value):
    for field in value.type.strip_typedefs().fields():
        if field.name in ("_M_b", "_M_base"):
            return atomic(value[field.name])
        if field.name in ("_M_p", "_M_i"):
            return value[field.name]
        if field.is_base_class:
            return atomic(value[field])
    raise gdb.error("not an atomic: %s" % value.type)


def text_of(pointer):
    return pointer.string("utf-8", "replace") if int(pointer) else ""


class Place:
    """A std::source_location."""

    def __init__(self, value):
        self.file = self.function = ""
        self.line = 0
        impl = value["_M_impl"]
        if int(impl):
            self.file = re.sub(r"^.*\.\./", "", text_of(impl["_M_file_name"]))
            self.function = short_function(text_of(impl["_M_function_name"]))
            self.line = int(impl["_M_line"])

    def __str__(self):
        return "%s:%d in %s" % (self.file, self.line, self.function)


def without_brackets(text):
    """`f<int>(char) [T = int]` becomes `f() [T = int]`: as short_function in core/source_text.cpp."""
    kept, depth = [], 0
    for position, character in enumerate(text):
        opens = character in "(<{"
        closes = character in ")>}" and not (character == ">" and text[position - 1] == "-")
        depth += opens
        if depth == 0 or (depth == 1 and character == "(" and opens):
            kept.append(character)
        if closes and depth:
            depth -= 1
            if depth == 0 and character == ")":
                kept.append(")")
    return "".join(kept)


def short_function(text):
    text = re.sub(r"\(anonymous namespace\)::|\{anonymous\}::", "", text)
    text = re.sub(r"\(anonymous class\)|<lambda\(.*?\)>|\{lambda\(.*?\)#\d+\}", "\1", text)
    text = re.sub(r" \[(with )?[^\]]*\]$", "", text)
    inside, is_lambda, _ = text.partition("\1")
    inside = without_brackets(inside)
    inside = re.sub(r"^.* (?!const\b)", "", inside) if "operator" not in inside else inside
    inside = re.sub(r" const(::)?$", "", inside).rstrip(":").strip()
    if not is_lambda:
        return inside
    return "lambda in " + inside if inside and inside not in ("auto", "void") else "lambda"


# --- green's types


def elements(intrusive_list):
    """The elements of a green::detail::intrusive_list."""
    head = intrusive_list["head_"]
    if not int(head):
        return
    node_type = gdb.lookup_type("green::detail::list_node<%s>" % head.type.target().unqualified())
    element = head
    while True:
        yield element.dereference()
        element = element.cast(node_type.pointer())["next_"]
        if not int(element) or int(element) == int(head):
            return


def base_of(value, name):
    """The base class subobject called `name`, at any depth."""
    kind = value.type.strip_typedefs()
    if kind.name == name:
        return value
    for field in kind.fields():
        if field.is_base_class:
            found = base_of(value[field], name)
            if found is not None:
                return found
    return None


def whole(pointer):
    """What a pointer to a polymorphic base really points to."""
    return pointer.cast(pointer.dynamic_type).dereference()


def member(value, name):
    try:
        return value[name]
    except gdb.error:
        return None


class Task:
    def __init__(self, value):
        self.value = base_of(value, "green::detail::green_task")

    def label(self):
        extras = self.value["extras_"]
        name = string_of(extras["name"]) if int(extras) else ""
        text = "#%d" % int(self.value["id_"])
        return text + (" '%s'" % name if name else "")

    def state(self):
        return str(self.value["state_"]).rpartition("::")[2]

    def leaf(self):
        return self.value["leaf_"] if self.state() == "suspended" and int(self.value["leaf_"]) else None

    def waits_for(self):
        leaf = self.leaf()
        if leaf is None:
            return ""
        waits = whole(leaf)
        kind = re.sub(r"<.*", "", str(waits.type.strip_typedefs()).replace("green::", "").replace("detail::", ""))
        target, operation = member(waits, "target_"), member(waits, "operation_")
        if target is not None and target.type.code == gdb.TYPE_CODE_PTR and int(target):
            return "join of " + Task(target.dereference()).label()
        if operation is not None and operation.type.code == gdb.TYPE_CODE_PTR:
            count = int(member(waits, "size_"))
            return "%s of %d task%s" % (text_of(operation), count, "" if count == 1 else "s")
        known = {"sleep_awaitable": "sleep", "foreign_awaiter": "an awaitable that is not green's own"}
        return known.get(kind, kind)

    def children(self):
        leaf = self.leaf()
        if leaf is None:
            return
        scope = base_of(whole(leaf), "green::detail::nursery")
        if scope is not None:
            for child in elements(scope["children_"]):
                yield Task(child)

    def stack(self):
        state = self.state()
        if state == "running":
            scheduler = self.value["scheduler_"].dereference()
            frame = atomic(scheduler["innermost_"])
        elif state in ("ready", "suspended"):
            frame = self.value["frame_"]
        else:
            return
        while int(frame):
            yield Place(frame["awaiting_"])
            frame = frame["parent_"]

    def lines(self):
        first = "%s %s" % (self.label(), STATES.get(self.state(), self.state()))
        if self.state() == "suspended":
            first += " " + self.waits_for()
        if self.value["cancel_requested_"]:
            first += " (cancelled, shielded)" if int(self.value["shields_"]) else " (cancelled)"
        yield first
        word = "after" if self.state() == "running" else "at"
        for place in self.stack():
            yield "    %s %s" % (word, place)
            word = "at"
        spawned = Place(self.value["spawned_at_"])
        if spawned.line:
            yield "    spawned at %s" % spawned


def loops():
    """All loops of the process that run."""
    try:
        core = gdb.parse_and_eval("green::detail::loop_core::registry")
    except gdb.error:
        raise gdb.GdbError("green-tasks: no green in this program, or no debug information of it")
    while int(core):
        loop = core.dereference()
        if atomic(loop["open_"]):
            yield loop
        core = loop["next_core_"]


class GreenTasks(gdb.Command):
    """Prints the tree of green tasks of every loop: names, states, where they are, what they wait for."""

    def __init__(self):
        super().__init__("green-tasks", gdb.COMMAND_STATUS)

    def invoke(self, argument, from_tty):
        found = False
        for loop in loops():
            found = True
            print("loop of thread %d" % int(loop["thread_id_"]))
            # Depth first, without recursion: scopes may nest deeply.
            levels = [map(Task, elements(base_of(loop, "green::detail::nursery")["children_"]))]
            while levels:
                task = next(levels[-1], None)
                if task is None:
                    levels.pop()
                    continue
                for line in task.lines():
                    print("  " * len(levels) + line)
                levels.append(task.children())
        if not found:
            print("no loop runs")


# --- printers


class TaskPrinter:
    def __init__(self, value):
        self.task = Task(value)

    def to_string(self):
        return "green task " + next(self.task.lines())


class HandlePrinter:
    def __init__(self, value):
        self.task = value["task_"]["task_"]

    def to_string(self):
        if not int(self.task):
            return "join_handle of no task"
        return "join_handle of " + next(Task(self.task.dereference()).lines())


class CoroutinePrinter:
    def __init__(self, value):
        self.frame = value["frame_"]

    def to_string(self):
        if not int(self.frame):
            return "task that is empty"
        return "task made at %s" % Place(self.frame["awaiting_"])


def printers():
    collection = gdb.printing.RegexpCollectionPrettyPrinter("green")
    collection.add_printer("join_handle", r"^green::join_handle<.*>$", HandlePrinter)
    collection.add_printer("task", r"^green::task<.*>$", CoroutinePrinter)
    collection.add_printer(
        "green_task", r"^green::detail::(green_task|typed_task<.*>|callable_task<.*>)$", TaskPrinter
    )
    return collection


GreenTasks()
gdb.printing.register_pretty_printer(gdb.current_objfile(), printers(), replace=True)
