// A library to be preloaded into a program, whose allocations it counts:
//
//   LD_PRELOAD=liballocation_counter.so ALLOCATION_COUNTER=file program
//
// The file begins with the number so far, an uint64 of the machine's own byte
// order: who reads it twice knows what was allocated in between. Counted is
// each call, of any thread, of malloc and its kin and of operator new; memory
// that a program keeps and uses again by itself is not.
//
// The allocator stays the program's own. Thread-safe.

#include <dlfcn.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <new>

namespace {

using Count = std::atomic<uint64_t>;
static_assert(sizeof(Count) == sizeof(uint64_t) && Count::is_always_lock_free);

// Where there is no file.
constinit Count own_count{0};
constinit std::atomic<Count*> count{&own_count};

// Runs when all libraries are loaded; what was allocated before is not of
// interest.
__attribute__((constructor)) void UseFile() {
  const char* const path = std::getenv("ALLOCATION_COUNTER");
  if (path == nullptr) return;
  const int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0 || ftruncate(fd, sizeof(Count)) != 0) std::abort();
  void* const page = mmap(nullptr, sizeof(Count), PROT_READ | PROT_WRITE,
                          MAP_SHARED, fd, 0);
  if (page == MAP_FAILED) std::abort();
  close(fd);
  count = new (page) Count(0);
}

// A function of the allocator's own, and that it is about to be called.
template <typename Function>
class Counted {
 public:
  explicit constexpr Counted(const char* name) : name_(name) {}

  template <typename... Arguments>
  auto operator()(Arguments... arguments) {
    count.load(std::memory_order_relaxed)
        ->fetch_add(1, std::memory_order_relaxed);
    return Find()(arguments...);
  }

 private:
  Function* Find() {
    Function* found = found_.load(std::memory_order_relaxed);
    if (found == nullptr) {
      found = reinterpret_cast<Function*>(dlsym(RTLD_NEXT, name_));
      found_.store(found, std::memory_order_relaxed);
    }
    return found;
  }

  const char* const name_;
  std::atomic<Function*> found_{nullptr};
};

constinit Counted<void*(size_t)> next_malloc("malloc");
constinit Counted<void*(size_t, size_t)> next_calloc("calloc");
constinit Counted<void*(void*, size_t)> next_realloc("realloc");
constinit Counted<void*(size_t, size_t)> next_aligned_alloc("aligned_alloc");
constinit Counted<int(void**, size_t, size_t)> next_posix_memalign(
    "posix_memalign");

// To a program that would rather end than go on without memory.
void* Certain(void* memory) {
  if (memory == nullptr) std::abort();
  return memory;
}

size_t Bytes(std::align_val_t alignment) {
  return static_cast<size_t>(alignment);
}

}  // namespace

extern "C" {

void* malloc(size_t size) { return next_malloc(size); }
void* calloc(size_t count, size_t size) { return next_calloc(count, size); }
void* realloc(void* memory, size_t size) {
  return next_realloc(memory, size);
}
void* aligned_alloc(size_t alignment, size_t size) {
  return next_aligned_alloc(alignment, size);
}
int posix_memalign(void** memory, size_t alignment, size_t size) {
  return next_posix_memalign(memory, alignment, size);
}

}  // extern "C"

// What `operator delete` frees in every allocator that a program may bring.
void* operator new(size_t size) { return Certain(next_malloc(size)); }
void* operator new[](size_t size) { return Certain(next_malloc(size)); }
void* operator new(size_t size, const std::nothrow_t&) noexcept {
  return next_malloc(size);
}
void* operator new[](size_t size, const std::nothrow_t&) noexcept {
  return next_malloc(size);
}
void* operator new(size_t size, std::align_val_t alignment) {
  return Certain(next_aligned_alloc(Bytes(alignment), size));
}
void* operator new[](size_t size, std::align_val_t alignment) {
  return Certain(next_aligned_alloc(Bytes(alignment), size));
}
