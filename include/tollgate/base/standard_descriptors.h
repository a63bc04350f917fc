// OccupyStandardDescriptors: opens descriptors 0, 1 and 2 if they are closed (`2>&-`, a supervisor
// that provides none). Otherwise the next file or socket gets such a number, and what the program
// prints is written into it.
//
// Thread: the main thread, before any other.
#pragma once

namespace tollgate::base {

// Opens /dev/null on those of 0 to 2 that are closed. It is the first statement of each `main`
// (tests/rules checks this). Ends the process if it cannot open them, because no write would be
// safe.
void OccupyStandardDescriptors();

}  // namespace tollgate::base
