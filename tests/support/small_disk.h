// SmallDisk: a real file system of a few MiB that can be full: a tmpfs on a folder. Only root may
// mount one; otherwise `problem` says why there is none, and the test is skipped with it.
//
// Thread: one test's.
// Owns: the mount.
#pragma once

#include <string>

namespace tollgate::testing {

class SmallDisk {
 public:
  SmallDisk(std::string folder, size_t bytes);
  ~SmallDisk();
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;

  const std::string& problem() const { return problem_; }
  // Fill uses all free space; Free releases it.
  void Fill();
  void Free();
  size_t FreeBytes() const;

 private:
  std::string Ballast() const { return folder_ + "/ballast"; }

  const std::string folder_;
  std::string problem_;
};

}  // namespace tollgate::testing
