"""What a disk may have after a loss of power at any moment of a journal that
machine_faults.py has kept.

    for moment in moments(machine.journal):
        if moment.index in chosen:
            moment.write(folder, "ledger.db", random.Random(seed))

A file is pages, which the kernel has and brings to the disk one by one when it
likes: of those that were changed since they were last synced, any may be there,
some of them in part. A sync that fails brings nothing and has the kernel forget
that there is anything to bring, as Linux does. That a file is there, or is not
any more, or is under another name, is on the disk once its folder was synced;
before, it may be. Files are known from their beginning on, and by one name at a
time.
"""

import os
import struct

_HEADER = struct.Struct("=qqqqq")
(_OPEN, _WRITE, _TRUNCATE, _SYNC_BEGINS, _SYNC_ENDS, _REMOVE, _RENAME,
 _EXCHANGE) = range(8)
_PAGE = 4096
# What a disk writes whole.
_SECTOR = 512


class _File:

    def __init__(self):
        self.now = bytearray()  # As programs see it.
        self.disk = bytearray()
        self.changed = set()  # Pages that the kernel has to write.
        self.is_cut = False

    def write(self, offset, data):
        end = offset + len(data)
        if end > len(self.now):
            self.changed.update(range(len(self.now) // _PAGE, end // _PAGE + 1))
            self.now.extend(bytes(end - len(self.now)))
        self.now[offset:end] = data
        self.changed.update(range(offset // _PAGE, (end - 1) // _PAGE + 1))

    def truncate(self, size):
        if size < len(self.now):
            del self.now[size:]
            self.is_cut = True
        else:
            self.now.extend(bytes(size - len(self.now)))

    def sync(self, error):
        if not error:
            for page in self.changed:
                self._bring(self.disk, page, 0, _PAGE)
            if len(self.disk) > len(self.now):
                del self.disk[len(self.now):]
            self.is_cut = False
        self.changed = set()

    def after_power(self, dice):
        """What is found, with that chance for each page; none or all of them
        now and then."""
        found = bytearray(self.disk)
        if self.is_cut and dice.random() < 0.5:
            del found[len(self.now):]
        share = dice.choice((0, 0, 0.5, 0.9, 1))
        for page in sorted(self.changed):
            if dice.random() < share:
                self._bring(found, page, 0, _PAGE)
            elif share and dice.random() < 0.2:
                begin = dice.randrange(_PAGE // _SECTOR) * _SECTOR
                self._bring(found, page, begin, _PAGE)
        return bytes(found)

    def _bring(self, disk, page, begin, end):
        data = self.now[page * _PAGE + begin:page * _PAGE + end]
        if not data:
            return
        offset = page * _PAGE + begin
        if offset > len(disk):
            disk.extend(bytes(offset - len(disk)))
        disk[offset:offset + len(data)] = data


class Moment:
    """The files between two changes of them."""

    def __init__(self, index, time_s, files, named, on_disk):
        self.index = index
        self.time_s = time_s  # As time.monotonic().
        self._files = files
        self._named = named
        self._on_disk = on_disk

    def write(self, folder, prefix, dice):
        """What a loss of power leaves of the files whose names begin so."""
        names = dict(self._on_disk)
        for name in sorted(set(self._named) | set(self._on_disk)):
            is_changed = self._named.get(name) != self._on_disk.get(name)
            if is_changed and dice.random() < 0.5:
                names[name] = self._named.get(name)
        for path, file in names.items():
            name = os.path.basename(path)
            if file is not None and name.startswith(prefix):
                with open(os.path.join(folder, name), "wb") as out:
                    out.write(file.after_power(dice))


def moments(journal):
    """Each, in order; one is true until the next is asked for."""
    opened = {}  # By the number of its opening: the file, or its folder's path.
    named = {}
    on_disk = {}
    syncing = {}
    with open(journal, "rb") as records:
        index = 0
        while len(head := records.read(_HEADER.size)) == _HEADER.size:
            did, number, offset, size, time_ns = _HEADER.unpack(head)
            data = records.read(size)
            yield Moment(index, time_ns / 1e9, opened, named, on_disk)
            index += 1
            file = opened.get(number)
            if did == _OPEN:
                path = data.decode()
                if os.path.isdir(path):
                    opened[number] = path
                else:
                    opened[number] = named.setdefault(path, _File())
            elif did == _REMOVE:
                named.pop(data.decode(), None)
            elif did in (_RENAME, _EXCHANGE):
                one, other = data.decode().split("\0")
                renamed, before = named.pop(one, None), named.get(other)
                named[other] = renamed
                if did == _EXCHANGE:
                    named[one] = before
            elif isinstance(file, str):
                if did == _SYNC_BEGINS:
                    syncing[number] = dict(named)
                elif did == _SYNC_ENDS and offset == 0:
                    on_disk.clear()
                    on_disk.update(syncing[number])
            elif did == _WRITE:
                file.write(offset, data)
            elif did == _TRUNCATE:
                file.truncate(offset)
            elif did == _SYNC_ENDS:
                file.sync(offset)
    yield Moment(index, float("inf"), opened, named, on_disk)
