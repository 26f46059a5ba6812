FROM base:1
ENV NAME=four
