import { describeDriver } from '../driver.suite.ts'
import { MemoryPlace, openMemoryDriver } from './memory-driver.fixture.ts'

for (const isLate of [false, true])
  describeDriver(isLate ? 'late memory' : 'memory', {
    place: () => {
      const place = new MemoryPlace()
      return { open: () => openMemoryDriver(place, isLate), remove: () => undefined }
    },
  })
