# shellcheck shell=sh
# common.sh: what demo.sh and test.sh share: finding the tree, installing what is missing.
set -eu
ROOT=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
cd "$ROOT"
# shellcheck disable=SC2034 # used by who includes this
JOBS=$(nproc 2>/dev/null || sysctl -n hw.ncpu 2>/dev/null || echo 2)

say() { printf '%s\n' "-- $*" >&2; }
die() { printf 'error: %s\n' "$*" >&2; exit 1; }

# as_root COMMAND...: as root, or through sudo without questions.
as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"
    elif command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then sudo -n "$@"
    else die "these packages are missing and need root to install:$MISSING
       Run this script as root, let sudo work without a password, or install them by hand."
    fi
}

has_header() { printf '#include <%s>\n' "$1" | cc -E -x c - >/dev/null 2>&1; }

# need PACKAGE TEST-COMMAND...: notes the package as missing if the test fails.
MISSING=
need() {
    package=$1; shift
    "$@" >/dev/null 2>&1 || MISSING="$MISSING $package"
}

need_command() { need "$1" command -v "${2:-$1}"; }

install_with_apt() {
    need_command gcc cc; need libc6-dev has_header stdlib.h; need_command cmake; need_command ninja-build ninja; need_command pkg-config
    need libopenblas-dev pkg-config --exists openblas; need libpng-dev pkg-config --exists libpng; need libjpeg-dev pkg-config --exists libjpeg
    need zlib1g-dev pkg-config --exists zlib; need libcurl4-openssl-dev pkg-config --exists libcurl
    case " $* " in *" tests "*)
        need check pkg-config --exists check; need_command g++ c++; need_command python3; need_command valgrind; need_command shellcheck ;;
    esac
    case " $* " in *" clang "*) need_command clang ;; esac
    case " $* " in *" lcov "*) need_command lcov ;; esac
    [ -n "$MISSING" ] || return 0
    say "installing$MISSING"
    as_root apt-get update -qq || say "apt-get update failed; going on with the lists that are there"
    # shellcheck disable=SC2086 # a list of packages
    as_root env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 install -y -qq --no-install-recommends $MISSING </dev/null >/dev/null ||
        die "apt-get could not install$MISSING"
}

# install_missing [building] [tests] [clang] [lcov]: what building needs always, and what these need besides, named as each distribution names it.
install_missing() {
    MISSING=
    if command -v apt-get >/dev/null 2>&1; then install_with_apt "$@"
    elif command -v dnf >/dev/null 2>&1; then
        MISSING=" gcc cmake ninja-build pkgconf openblas-devel libpng-devel libjpeg-turbo-devel zlib-devel libcurl-devel"
        case " $* " in *" tests "*) MISSING="$MISSING check-devel gcc-c++ python3 valgrind ShellCheck" ;; esac
        case " $* " in *" clang "*) MISSING="$MISSING clang" ;; esac
        case " $* " in *" lcov "*) MISSING="$MISSING lcov" ;; esac
        # shellcheck disable=SC2086
        as_root dnf install -y -q $MISSING
    elif command -v pacman >/dev/null 2>&1; then
        MISSING=" gcc cmake ninja pkgconf openblas libpng libjpeg-turbo zlib curl"
        case " $* " in *" tests "*) MISSING="$MISSING check python valgrind shellcheck" ;; esac
        case " $* " in *" clang "*) MISSING="$MISSING clang" ;; esac
        case " $* " in *" lcov "*) MISSING="$MISSING lcov" ;; esac
        # shellcheck disable=SC2086
        as_root pacman -S --needed --noconfirm $MISSING
    elif command -v brew >/dev/null 2>&1; then
        brew install cmake ninja pkg-config openblas libpng jpeg-turbo check
        PKG_CONFIG_PATH="$(brew --prefix openblas)/lib/pkgconfig:${PKG_CONFIG_PATH:-}"
        export PKG_CONFIG_PATH
    else
        say "no package manager that this script knows; going on with what is there"
    fi
}
