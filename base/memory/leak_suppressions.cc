// What LeakSanitizer is not to report: what libraries keep until the end of the
// process and let nobody reach. Only builds with --config=asan have it.

#if defined(__SANITIZE_ADDRESS__)

// Called by the sanitizer, which gives it this name.
extern "C" const char* __lsan_default_suppressions() {  // NOLINT
  // tcmalloc registers itself; c-ares, which gRPC C++ brings, its servers.
  return "leak:MallocExtension::Register\nleak:libcares\n";
}

#endif
