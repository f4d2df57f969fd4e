/* The discrete Fourier transform as its definition says it: one sum for each frame and bin, with a cosine and
   a sine for each term. What a spectrogram costs when nobody uses an FFT.

   wave is already padded; out is frames x bins. */
#include <math.h>

void direct_sum(const float *wave, const float *window, int frames, int hop, int size, int bins, float *out)
{
    for (int frame = 0; frame < frames; frame++)
        for (int bin = 0; bin < bins; bin++) {
            float real = 0.0f, imaginary = 0.0f;
            for (int n = 0; n < size; n++) {
                float x = wave[frame * hop + n] * window[n];
                float angle = -2.0f * (float)M_PI * (float)((long)bin * n % size) / (float)size;
                real += x * cosf(angle);
                imaginary += x * sinf(angle);
            }
            out[frame * bins + bin] = sqrtf(real * real + imaginary * imaginary + 1e-8f);
        }
}
