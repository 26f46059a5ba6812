FROM base:1 AS first
FROM base:1 AS last
ARG WORD
COPY *.py /app/
