// OccupyStandardDescriptors: a program that is started with descriptor 0, 1 or 2 closed (`2>&-`, a
// supervisor that gives none) would get that number for the next thing that it opens: a table, a
// socket. What it prints would then be written there.
//
// Thread: the main thread, before any other.
#pragma once

namespace tollgate::base {

// Opens /dev/null on those of 0 to 2 that are closed; whatever is open stays. The first statement
// of each of our `main`s (tests/rules holds them to it). Ends the process if the kernel refuses:
// then nothing that it would write is safe.
void OccupyStandardDescriptors();

}  // namespace tollgate::base
