// zlib, for message bodies that Python programs compressed.
#include <zlib.h>
