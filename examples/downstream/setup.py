from setuptools import Extension, setup

setup(
    ext_modules=[
        Extension(
            "quotefeed._replay",
            ["src/quotefeed/_replay.c"],
            # With symbols the reports name the C functions.
            extra_compile_args=["-g"],
            # Without a C compiler all but the replay is there.
            optional=True,
        )
    ]
)
